package repo

import (
	"bytes"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// maxLines is where a file becomes hard to hold in mind.
const maxLines = 400

func TestFiles(t *testing.T) {
	t.Parallel()
	_, files := parseAll(t)
	for _, f := range files {
		if n := bytes.Count(f.src, []byte("\n")); n > maxLines && !ast.IsGenerated(f.ast) {
			t.Errorf("%s has %d lines; %d are the most", f.name, n, maxLines)
		}
		switch name := f.ast.Name.Name; name {
		case "util", "utils", "common", "helper", "helpers", "types", "models", "misc":
			t.Errorf("%s: package %s says nothing of what it is for", f.name, name)
		}
	}
}

// Nothing registers itself: cmd/intact/wire.go is the only list of plug-ins.
func TestNoInit(t *testing.T) {
	t.Parallel()
	fset, files := parseAll(t)
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init", fset.Position(fn.Pos()))
			}
		}
	}
}

// The pure packages take "now" as an argument.
func TestNoClock(t *testing.T) {
	t.Parallel()
	fset, files := parseAll(t)
	for _, f := range files {
		if f.test() || !under(f.dir(), pure...) {
			continue
		}
		for _, name := range clockUses(f.ast) {
			t.Errorf("%s: time.%s; take the time as an argument", fset.Position(name.Pos()), name.Name)
		}
	}
}

// clockUses finds selectors of package time that read the clock, under whatever
// name the package was imported.
func clockUses(f *ast.File) []*ast.Ident {
	local := ""
	for _, s := range f.Imports {
		if s.Path.Value == `"time"` {
			local = "time"
			if s.Name != nil {
				local = s.Name.Name
			}
		}
	}
	var found []*ast.Ident
	if local == "" {
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
			switch sel.Sel.Name {
			case "Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep":
				found = append(found, sel.Sel)
			}
		}
		return true
	})
	return found
}

// A dot import would hide a use of the clock from the test above.
func TestNoDotImports(t *testing.T) {
	t.Parallel()
	fset, files := parseAll(t)
	for _, f := range files {
		for _, s := range f.ast.Imports {
			if s.Name != nil && s.Name.Name == "." {
				t.Errorf("%s: dot import", fset.Position(s.Pos()))
			}
		}
	}
}

// Every package says what it is for.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	_, files := parseAll(t)
	documented := map[string]bool{}
	for _, f := range files {
		if !f.test() && !strings.HasSuffix(f.ast.Name.Name, "_test") {
			documented[f.dir()] = documented[f.dir()] || f.ast.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s (%s) has no package comment", path.Base(dir), dir)
		}
	}
}
