package terraform

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
)

// A valueSet are the files of values that one run of Terraform reads, in their
// order: the later wins.
type valueSet struct{ files []string }

// values returns the sets of a folder: the files that Terraform reads by itself,
// and those with each of the others, which are given to it by name.
//
// https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
func values(fsys fs.FS, dir string) ([]valueSet, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read folder %q: %w", dir, err)
	}
	var own, auto, named []string
	for _, d := range entries {
		switch name := d.Name(); {
		case d.IsDir() || !isValues(name):
		case name == "terraform.tfvars", name == "terraform.tfvars.json":
			own = append(own, path.Join(dir, name))
		case strings.HasSuffix(strings.TrimSuffix(name, ".json"), ".auto.tfvars"):
			auto = append(auto, path.Join(dir, name))
		default:
			named = append(named, path.Join(dir, name))
		}
	}
	slices.Sort(auto)
	auto = append(own, auto...)
	sets := []valueSet{{auto}}
	for _, n := range named {
		sets = append(sets, valueSet{append(slices.Clone(auto), n)})
	}
	return sets, nil
}

// inputs evaluates the files of a set. They hold values alone, no references.
func (e *evaluation) inputs(set valueSet) map[string]*resource.Value {
	out := map[string]*resource.Value{}
	for _, p := range set.files {
		s, err := e.parse(p)
		if err != nil {
			e.unread(p, err)
			continue
		}
		e.read[p] = true
		e.problems = append(e.problems, s.problems...)
		for name, a := range s.body.Attributes {
			v := e.eval(a.Expr, &scope{})
			if more := extra(v.Ignored, e.ignored(a.NameRange)); len(more) > 0 {
				c := *v
				c.Ignored = append(c.Ignored[:len(c.Ignored):len(c.Ignored)], more...)
				v = &c
			}
			out[name] = v
		}
	}
	return out
}

// loose reads a file of values whose module lies elsewhere: the variables that are
// plainly images.
func (e *evaluation) loose(p string) {
	s := e.sources[p]
	if s == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.body.Attributes)) {
		if v := e.use(s.body.Attributes[name].Expr, &scope{}); resource.Plainly(name) && v.Kind == resource.Scalar {
			e.sink.Plain(v, name, "")
		}
	}
}
