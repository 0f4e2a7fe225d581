package extract

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Tree is what files declare, in the order of their paths. What several files
// make out of one is in it once, if they make the same of it.
type Tree struct {
	Found    []Found
	Objects  []Object
	Problems []Problem
	Notices  []Notice // of what nothing in Found is written as
	Files    int      // that an extractor read
	// Unread are files that were named, each as a start, that are of no kind that is
	// known, and that do not look as if they named an image: those are Problems.
	Unread []string
	Passed Passed
}

// settle sorts, and brings together what was found on several ways.
func (t *Tree) settle() {
	slices.SortStableFunc(t.Found, func(a, b Found) int { return compare(a.Origin, b.Origin) })
	slices.SortStableFunc(t.Objects, func(a, b Object) int { return compare(a.Origin, b.Origin) })
	slices.SortStableFunc(t.Problems, func(a, b Problem) int {
		return cmp.Or(compare(a.Origin, b.Origin), strings.Compare(a.Why, b.Why))
	})
	slices.SortStableFunc(t.Notices, func(a, b Notice) int {
		return cmp.Or(compare(a.Origin, b.Origin), strings.Compare(a.Raw, b.Raw), strings.Compare(a.Why, b.Why))
	})
	slices.Sort(t.Unread)
	t.once()
	t.Objects = slices.CompactFunc(t.Objects, func(a, b Object) bool { return reflect.DeepEqual(a, b) })
	t.Problems = slices.CompactFunc(t.Problems, func(a, b Problem) bool { return a == b })
	t.notices()
}

// once drops references that say what another says in the same place, such as
// those of a base that two overlays have. Its related places are of both.
func (t *Tree) once() {
	out := t.Found[:0]
	first := 0 // of those in out that are in the place of f
	for i := range t.Found {
		f := &t.Found[i]
		if len(out) == 0 || compare(out[len(out)-1].Origin, f.Origin) != 0 {
			first = len(out)
		}
		if n := slices.IndexFunc(out[first:], func(o Found) bool { return same(o, *f) }); n >= 0 {
			o := &out[first+n]
			for _, at := range f.Related {
				if !slices.Contains(o.Related, at) {
					o.Related = append(slices.Clip(o.Related), at)
				}
			}
			continue
		}
		out = append(out, *f)
	}
	clear(t.Found[len(out):])
	t.Found = out
}

// same reports whether a and b are one reference of one container.
func same(a, b Found) bool {
	a.Related, b.Related = nil, nil
	return reflect.DeepEqual(a, b)
}

// notices keeps those of images that are in no way in Found: what one overlay
// deletes another may have.
func (t *Tree) notices() {
	type place struct {
		where        string
		line, column int
	}
	of := func(o ref.Origin) place { return place{o.Where, o.Line, o.Column} }
	if t.Notices = slices.Compact(t.Notices); len(t.Notices) == 0 {
		return
	}
	found := map[place]bool{}
	for _, f := range t.Found {
		found[of(f.Origin)] = true
		for _, o := range f.Related {
			found[of(o)] = true
		}
	}
	t.Notices = slices.DeleteFunc(t.Notices, func(n Notice) bool { return found[of(n.Origin)] })
}

func compare(a, b ref.Origin) int {
	return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
}
