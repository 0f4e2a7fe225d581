package repo

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// Every run of the command pays for what a package does at its start: see
// pkg/internal/lazy.
func TestNothingIsCompiledAtTheStart(t *testing.T) {
	t.Parallel()
	fset, files := parseAll(t)
	for _, f := range files {
		if f.test() {
			continue
		}
		for _, call := range startCalls(f.ast, compilers) {
			t.Errorf("%s: every run pays for it; use lazy.Regexp, or sync.OnceValue", fset.Position(call.Pos()))
		}
	}
}

// What is compiled at its first use panics there: no run of a user's is to find
// out that a pattern is none.
func TestLazyPatterns(t *testing.T) {
	t.Parallel()
	fset, files := parseAll(t)
	n := 0
	for _, f := range files {
		if f.test() {
			continue
		}
		ast.Inspect(f.ast, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || !isCall(call, map[string]bool{"lazy.Regexp": true}) {
				return true
			}
			n++
			pattern, err := literal(call.Args[0])
			if err == nil {
				_, err = regexp.Compile(pattern)
			}
			if err != nil {
				t.Errorf("%s: %v", fset.Position(call.Pos()), err)
			}
			return true
		})
	}
	if n == 0 {
		t.Error("no pattern found")
	}
}

var compilers = map[string]bool{"regexp.MustCompile": true, "regexp.MustCompilePOSIX": true, "regexp.Compile": true, "template.Must": true}

// startCalls finds calls of such functions where variables of the package get
// their values, not inside of functions.
func startCalls(f *ast.File, of map[string]bool) []*ast.CallExpr {
	var found []*ast.CallExpr
	for _, d := range f.Decls {
		if _, ok := d.(*ast.GenDecl); !ok {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if _, ok := n.(*ast.FuncLit); ok {
				return false
			}
			if call, ok := n.(*ast.CallExpr); ok && isCall(call, of) {
				found = append(found, call)
			}
			return true
		})
	}
	return found
}

func isCall(call *ast.CallExpr, of map[string]bool) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && of[x.Name+"."+sel.Sel.Name]
}

// literal is the text of string literals joined by +.
func literal(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.BinaryExpr:
		left, err := literal(e.X)
		if err != nil {
			return "", err
		}
		right, err := literal(e.Y)
		return left + right, err
	}
	return "", fmt.Errorf("the pattern is a %T; write it out, so that it can be read here", e)
}

func TestStartCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		want int
	}{
		{"var x = regexp.MustCompile(`a`)", 1},
		{"var (\n x, y = regexp.MustCompile(`a`), template.Must(nil)\n)", 2},
		{"var x = []pair{{\"a\", regexp.MustCompile(`a`)}}", 1},
		{"var x = lazy.Regexp(`a`)", 0},
		{"var x = sync.OnceValue(func() any { return regexp.MustCompile(`a`) })", 0},
		{"func f() { _ = regexp.MustCompile(`a`) }", 0},
	}
	for _, tt := range tests {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+tt.src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(startCalls(f, compilers)); got != tt.want {
			t.Errorf("%s: %d calls, want %d", tt.src, got, tt.want)
		}
	}
}
