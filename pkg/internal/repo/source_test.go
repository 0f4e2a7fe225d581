package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root   = "../../.."
	module = "github.com/intact-dev/intact"
)

// A file is one parsed Go file.
type file struct {
	name string // relative to the root, with slashes
	ast  *ast.File
	src  []byte
}

func (f file) test() bool  { return strings.HasSuffix(f.name, "_test.go") }
func (f file) dir() string { return path.Dir(f.name) }
func (f file) imports() []string {
	var out []string
	for _, s := range f.ast.Imports {
		out = append(out, strings.Trim(s.Path.Value, `"`))
	}
	return out
}

// pkg is the path of a package of ours without the module: "pkg/check".
func pkg(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

// ours reports whether importPath is of this module.
func ours(importPath string) bool { return strings.HasPrefix(importPath, module+"/") }

// under reports whether dir is one of tops or below one.
func under(dir string, tops ...string) bool {
	for _, t := range tops {
		if dir == t || strings.HasPrefix(dir, t+"/") {
			return true
		}
	}
	return false
}

// parseAll parses every Go file, whatever its build constraints.
func parseAll(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	fset := token.NewFileSet()
	var files []file
	walk(t, func(name string, src []byte) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		files = append(files, file{name, f, src})
	})
	if len(files) == 0 {
		t.Fatal("no Go file found")
	}
	return fset, files
}

// ignored returns the folders that git ignores; none where git cannot tell.
func ignored(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Logf("git ls-files: %v; all files are looked at", err)
	}
	dirs := map[string]bool{".git": true}
	for _, name := range strings.Split(string(out), "\x00") {
		dirs[strings.TrimSuffix(name, "/")] = true
	}
	return dirs
}

// walk visits the repository's files, test data and what git ignores aside.
func walk(t *testing.T, visit func(name string, b []byte)) {
	t.Helper()
	skip := ignored(t)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if d.Name() == "testdata" || skip[rel] {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(name)
		if err == nil {
			visit(rel, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
