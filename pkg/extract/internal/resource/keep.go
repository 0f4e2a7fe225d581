package resource

import (
	"regexp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// escaped is what looks like a use and is text.
var escaped = lazy.Regexp(`\$\$\{[^{}]*\}`)

// A Definition is what gives a value a name by which others use it: a variable, a
// parameter.
type Definition struct {
	Uses  string          // an expression for what uses it, such as var\.tag\b
	Files []*written.File // in which it may be used
}

// KeepTags takes the places from references whose tag stands alone in a definition
// that is used for more than images: a digest behind it would go wherever the
// value goes, into labels and versions. The definition is that of the bytes of a
// site; nil if they stand where they are used.
func (s *Sink) KeepTags(definition func(*extract.Site) *Definition) {
	type place struct {
		file  string
		start int
	}
	shared := map[place][]int{}                // references that have their places there
	origins := map[place]map[ref.Origin]bool{} // of all that are made of it
	for i := range s.refs {
		r := &s.refs[i]
		if r.Site != nil && r.Site.Style == extract.StyleTag {
			at := place{r.Site.File, r.Site.Start}
			shared[at] = append(shared[at], i)
		}
		o := r.Origin
		o.Path = ""
		for _, p := range r.Text.Places() {
			at := place{p.File.Path, p.Offset}
			if origins[at] == nil {
				origins[at] = map[ref.Origin]bool{}
			}
			origins[at][o] = true
		}
	}
	for at, refs := range shared {
		d := definition(s.refs[refs[0]].Site)
		if d == nil || !d.elsewhere(len(origins[at])) {
			continue
		}
		for _, i := range refs {
			s.refs[i].Site = nil
		}
	}
}

// elsewhere reports whether d is used for more than images. A use behind a colon,
// as in "nginx:${var.tag}", is for a tag; of other uses there may be one for each
// of the references that have no such one.
func (d *Definition) elsewhere(references int) bool {
	tags, others := 0, 0
	uses, err := regexp.Compile(`(:(?:\$\{\s*)?)?(?:` + d.Uses + `)`)
	if err != nil {
		return true
	}
	for _, f := range d.Files {
		text := escaped().ReplaceAll(f.Data, nil)
		for _, m := range uses.FindAllSubmatchIndex(text, -1) {
			if m[2] >= 0 {
				tags++
			} else {
				others++
			}
		}
	}
	return others > max(0, references-tags)
}
