package written

import (
	"cmp"
	"errors"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Use is where a value is used: the place of its first byte, and where that
// is in the document.
type Use struct {
	File   *File
	Offset int
	Path   string
}

// Found returns what v names at use. It is written where one place says all of
// it, such as the default of a variable; else at use. What it is put together
// from, and the place of its use, are related.
func (v Value) Found(kind ref.Kind, use Use) extract.Found {
	f := extract.Found{Raw: v.Text.s, Kind: kind, Unresolved: v.Unresolved}
	at := use.File.Origin(use.Offset, use.Path)
	f.Origin = at
	if f.Unresolved == "" {
		var err error
		if f.Ref, err = ref.Parse(f.Raw); err != nil {
			f.Unresolved = cmp.Or(errors.Unwrap(err), err).Error()
		} else {
			f.Site = siteOf(v.Text, f.Ref)
		}
	}
	if file, start, _ := v.Text.Span(); file != nil {
		f.Origin = file.Origin(start, use.Path)
	}
	for _, o := range append(v.Text.Origins(), at) {
		o.Path = ""
		same := func(p ref.Origin) bool { return p.Where == o.Where && p.Line == o.Line }
		if !same(f.Origin) && !slices.ContainsFunc(f.Related, same) {
			f.Related = append(f.Related, o)
		}
	}
	return f
}

// Origins returns the places where parts of t begin.
func (t Text) Origins() []ref.Origin {
	var out []ref.Origin
	for _, p := range t.Places() {
		out = append(out, p.File.Origin(p.Offset, ""))
	}
	return out
}

// siteOf returns where t can be changed to mean a certain digest: where all of
// it stands, or its digest, or its tag. The digest of a text that is put
// together belongs behind its tag: who sets another tag then leaves the digest
// behind as well.
func siteOf(t Text, r ref.Ref) *extract.Site {
	if s := site(t, extract.StyleReference); s != nil {
		return s
	}
	switch {
	case r.Digest != "":
		return site(t.Slice(t.Len()-len(r.Digest), t.Len()), extract.StyleDigest)
	case r.Tag != "":
		return site(t.Slice(t.Len()-len(r.Tag), t.Len()), extract.StyleTag)
	}
	return nil
}

func site(t Text, style extract.Style) *extract.Site {
	file, start, end := t.Span()
	if file == nil {
		return nil
	}
	return &extract.Site{File: file.Path, Start: start, End: end, Style: style}
}
