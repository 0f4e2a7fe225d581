package terraform

import (
	"path"
	"regexp"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
)

// definition is the variable or local value that the bytes of a site are all of, or
// the variable of a module that they are given to. Of a list or an object nothing
// plain says what is used.
func (e *evaluation) definition(s *extract.Site) *resource.Definition {
	within := func(a *hclsyntax.Attribute) bool {
		if a == nil {
			return false
		}
		r := a.Expr.Range()
		all := s.Start-r.Start.Byte <= 1 && r.End.Byte-s.End <= 1 // but for quotes
		return all && r.Filename == s.File && r.Start.Byte <= s.Start && s.End <= r.End.Byte
	}
	if isValues(s.File) {
		if src := e.sources[s.File]; src != nil {
			for name, a := range src.body.Attributes {
				if within(a) {
					return uses("var", name, e.modules[path.Dir(s.File)])
				}
			}
		}
		return nil
	}
	for _, m := range e.modules {
		for name, b := range m.variables {
			if within(b.Body.Attributes["default"]) {
				return uses("var", name, m)
			}
		}
		for name, a := range m.locals {
			if within(a) {
				return uses("local", name, m)
			}
		}
		for _, b := range m.calls {
			for name, a := range b.Body.Attributes {
				if within(a) {
					return uses("var", name, e.having(name, m)...)
				}
			}
		}
	}
	return nil
}

// having are the modules beside one that have a variable.
func (e *evaluation) having(name string, but *module) []*module {
	var out []*module
	for _, m := range e.modules {
		if m != but && m.variables[name] != nil {
			out = append(out, m)
		}
	}
	return out
}

func uses(kind, name string, in ...*module) *resource.Definition {
	d := &resource.Definition{Uses: `\b` + kind + `\.` + regexp.QuoteMeta(name) + `(?:[^\w-]|$)`}
	for _, m := range in {
		if m == nil {
			continue
		}
		for _, s := range m.files {
			d.Files = append(d.Files, s.File)
		}
	}
	return d
}
