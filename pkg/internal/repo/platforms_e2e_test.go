//go:build e2e

package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// The program is right on every system and architecture that there are releases
// for: all its types are checked from the source, without the half hour that it
// takes to compile every dependency for each. Of dependencies only what they
// declare is read.
func TestTypesAreRightOnEveryPlatform(t *testing.T) {
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"} {
		goos, goarch, _ := strings.Cut(platform, "/")
		all, err := packages.Load(&packages.Config{
			Context: t.Context(), Dir: "../../..",
			Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
				packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesSizes | packages.NeedModule,
			Env:       append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
			ParseFile: withoutForeignBodies(t),
		}, "./cmd/intact")
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		packages.Visit(all, nil, func(p *packages.Package) {
			read++
			for _, e := range p.Errors {
				// What only bodies use seems not to be used.
				if p.Module != nil && p.Module.Main || !strings.Contains(e.Msg, "imported and not used") && !strings.Contains(e.Msg, "imported as") {
					t.Errorf("%s: %s", platform, e)
				}
			}
		})
		if read < 500 {
			t.Errorf("%s: only %d packages were read", platform, read)
		}
	}
}

// withoutForeignBodies parses files, of those that are not ours without what is in
// functions.
func withoutForeignBodies(t *testing.T) func(*token.FileSet, string, []byte) (*ast.File, error) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root = strings.TrimSuffix(root, "pkg/internal/repo")
	return func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
		f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution|parser.AllErrors)
		if err == nil && !strings.HasPrefix(name, root) {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Name.Name != "init" && d.Type.TypeParams == nil { // those must have one
					d.Body = nil
				}
			}
		}
		return f, err
	}
}
