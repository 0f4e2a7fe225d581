package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"strings"
)

// Comments are the doc comments of types and fields by "package.Type" and
// "package.Type.Field", as one line each.
type Comments map[string]string

// ReadComments reads the comments of the packages in the folders dirs below
// root. Packages of the same last element share their names.
func ReadComments(root string, dirs ...string) (Comments, error) {
	c := Comments{}
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go"))
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("read comments of %s: no Go files (%v)", dir, err)
		}
		for _, name := range names {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, fmt.Errorf("read comments: %w", err)
			}
			for _, d := range f.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
					c.types(path.Base(dir), g)
				}
			}
		}
	}
	return c, nil
}

func (c Comments) types(pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		key := pkg + "." + t.Name.Name
		c.add(key, t.Doc, g.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			for _, n := range f.Names {
				c.add(key+"."+n.Name, f.Doc, f.Comment)
			}
		}
	}
}

func (c Comments) add(key string, groups ...*ast.CommentGroup) {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			c[key] = text
			return
		}
	}
}

// of returns the comment of t's field, or of t if field is "".
func (c Comments) of(t reflect.Type, field string) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	key := path.Base(t.PkgPath()) + "." + name
	if field != "" {
		key += "." + field
	}
	return c[key]
}
