package bake

import (
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// keepTags: a digest behind a tag that stands in a variable, or in a matrix,
// goes wherever that goes: into names and tags. There it is not changed.
func (r *reader) keepTags() {
	var shared []expression
	for _, v := range r.eval.variables {
		if v.expr.Expression != nil {
			shared = append(shared, v.expr)
		}
	}
	for _, t := range r.targets {
		if m, ok := t.attrs["matrix"]; ok {
			shared = append(shared, m)
		}
	}
	for _, refs := range [][]written.Reference{r.refs, r.builds.Refs} {
		for i := range refs {
			s := refs[i].Site
			if s == nil || s.Style != extract.StyleTag {
				continue
			}
			for _, x := range shared {
				if within := x.Range(); x.file.Path == s.File && within.Start.Byte <= s.Start && s.End <= within.End.Byte {
					refs[i].Site = nil
				}
			}
		}
	}
}
