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
	"sync"
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

// parseAll returns every Go file, whatever its build constraints. They are
// parsed once and not changed.
func parseAll(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	p, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.files) == 0 {
		t.Fatal("no Go file found")
	}
	return p.fset, p.files
}

type tree struct {
	fset  *token.FileSet
	files []file
}

var parsed = sync.OnceValues(func() (tree, error) {
	p := tree{fset: token.NewFileSet()}
	err := walk(func(name string, src []byte) error {
		f, err := parser.ParseFile(p.fset, name, src, parser.ParseComments)
		p.files = append(p.files, file{name, f, src})
		return err
	})
	return p, err
})

// ignored returns the folders that git ignores; none where git cannot tell.
func ignored() map[string]bool {
	cmd := exec.Command("git", "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
	cmd.Dir = root
	out, _ := cmd.Output() // no git or no repository: all files are looked at
	dirs := map[string]bool{".git": true}
	for _, name := range strings.Split(string(out), "\x00") {
		dirs[strings.TrimSuffix(name, "/")] = true
	}
	return dirs
}

// walk visits the repository's Go files, test data and what git ignores aside.
func walk(visit func(name string, b []byte) error) error {
	skip := ignored()
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
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
		if !d.Type().IsRegular() || !strings.HasSuffix(rel, ".go") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return visit(rel, b)
	})
}
