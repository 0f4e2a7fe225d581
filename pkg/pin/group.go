package pin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A group is all references that are written in the same bytes, or in bytes that
// overlap: they change together or not at all.
type group struct {
	file       string // the real one
	start, end int    // of all their sites
	founds     []int  // indexes of tree.Found
	edit       *edit  // nil if nothing changes
}

// An edit replaces bytes of a file.
type edit struct {
	start, end int
	text       string // in the file's own encoding
}

// group brings together what is written in the same place.
func (p *planner) group() {
	var all []*group
	for i := range p.tree.Found {
		f, w := &p.tree.Found[i], &p.wants[i]
		if f.Site == nil {
			if w.left == nil && w.ref != f.Ref {
				w.left, w.ref = leave(f, fact.Unsupported, "no place in the files is its own: it is put together from parts, or its tag is that of others too; write the digest by hand, or give it a tag of its own"), f.Ref
			}
			continue
		}
		file := f.Site.File
		if p.options.Real != nil {
			real, err := p.options.Real(file)
			if err != nil {
				w.stay(f, fact.Blocked, err.Error())
				continue
			}
			file = real
		}
		all = append(all, &group{file: file, start: f.Site.Start, end: f.Site.End, founds: []int{i}})
	}
	slices.SortStableFunc(all, func(a, b *group) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	for _, g := range all {
		if n := len(p.groups); n > 0 {
			// Two insertions in one place are one place, too.
			if l := p.groups[n-1]; l.file == g.file && (g.start < l.end || g.start == l.start) {
				l.end = max(l.end, g.end)
				l.founds = append(l.founds, g.founds...)
				continue
			}
		}
		p.groups = append(p.groups, g)
	}
}

// stay leaves a reference that should have changed.
func (w *want) stay(f *extract.Found, c fact.Cause, why string) {
	if w.left == nil && w.ref != f.Ref {
		w.left = leave(f, c, "%s", why)
	}
	w.ref = f.Ref
}

// stay leaves all of g.
func (p *planner) stay(g *group, c fact.Cause, why string) {
	g.edit = nil
	for _, i := range g.founds {
		p.wants[i].stay(&p.tree.Found[i], c, why)
	}
}

// changes reports whether anything of g should change.
func (p *planner) changes(g *group) bool {
	return slices.ContainsFunc(g.founds, func(i int) bool { return p.wants[i].ref != p.tree.Found[i].Ref })
}

// edits makes the edits of one file.
func (p *planner) edits(src []byte, groups []*group) {
	for _, g := range groups {
		if !p.changes(g) {
			continue
		}
		if i := slices.IndexFunc(g.founds, func(i int) bool { return p.wants[i].left != nil }); i >= 0 {
			l := p.wants[g.founds[i]].left
			p.stay(g, cmp.Or(l.Cause, fact.Dependency), "the same text is used at "+at(&l.Found)+", where it has to stay: "+l.Why)
			continue
		}
		p.edit(src, g)
	}
}

func (p *planner) edit(src []byte, g *group) {
	var first *edit
	for _, i := range g.founds {
		f := &p.tree.Found[i]
		e, why := editOf(src, f, p.wants[i].ref)
		switch {
		case why != "":
			p.stay(g, fact.Unsupported, why)
			return
		case first == nil:
			first = &e
		case e != *first:
			a := &p.tree.Found[g.founds[0]]
			p.stay(g, fact.Unsupported, "one text for two references that would change differently: "+
				at(a)+" would be "+p.wants[g.founds[0]].ref.String()+", and "+at(f)+" would be "+p.wants[i].ref.String())
			return
		}
	}
	g.edit = first
}

// apply puts the edits into their files, and holds what is read from them then
// against what was meant.
func (p *planner) apply(ctx context.Context) error {
	byFile := map[string][]*group{}
	for _, g := range p.groups {
		byFile[g.file] = append(byFile[g.file], g)
	}
	for name, groups := range byFile {
		if !slices.ContainsFunc(groups, p.changes) {
			continue
		}
		src, err := extract.ReadFile(p.fsys, name)
		if err != nil {
			for _, g := range groups {
				p.stay(g, fact.Unsupported, err.Error())
			}
			continue
		}
		p.edits(src, groups)
		if f := p.file(name, src, groups); len(f.Changes) > 0 {
			p.plan.Files = append(p.plan.Files, f)
		}
	}
	slices.SortFunc(p.plan.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return p.verify(ctx)
}

// file is what the edits make of src.
func (p *planner) file(name string, src []byte, groups []*group) File {
	out := File{Name: name, Old: src}
	last := 0
	for _, g := range groups { // by place
		if g.edit != nil && g.edit.start < last {
			p.stay(g, fact.Unsupported, "its change would reach into that of another reference")
		}
		if g.edit == nil {
			continue
		}
		out.New = append(out.New, src[last:g.edit.start]...)
		out.New = append(out.New, g.edit.text...)
		last = g.edit.end
		c := Change{From: p.tree.Found[g.founds[0]].Ref, To: p.wants[g.founds[0]].ref}
		for _, i := range g.founds {
			c.Found = append(c.Found, p.tree.Found[i])
		}
		out.Changes = append(out.Changes, c)
	}
	out.New = append(out.New, src[last:]...)
	return out
}

// withTag is how a tag and its digest are written in one value.
func withTag(r ref.Ref) string {
	if r.Digest == "" {
		return r.Tag
	}
	return r.Tag + "@" + string(r.Digest)
}
