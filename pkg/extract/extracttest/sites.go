package extracttest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	someDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	someCommit = "1111111111111111111111111111111111111111"
)

// sites compares the bytes of each site with what was found.
func sites(t *testing.T, s Suite) {
	r := s.read(t, tree(s.Files))
	some := len(r.Found) == 0
	for _, f := range r.Found {
		if f.Site == nil {
			continue
		}
		some = true
		text, ok := s.Files[f.Site.File]
		if !ok || f.Site.Start < 0 || f.Site.Start > f.Site.End || f.Site.End > len(text) {
			t.Errorf("%q: the site %+v is not in a file", f.Raw, *f.Site)
			continue
		}
		if f.Site.Before != "" {
			if f.Site.Start != f.Site.End {
				t.Errorf("%q: the site %+v both adds and replaces", f.Raw, *f.Site)
			}
			continue
		}
		bytes, want := text[f.Site.Start:f.Site.End], ""
		switch f.Site.Style {
		case extract.StyleReference:
			want = f.Ref.String()
		case extract.StyleTag:
			want = f.Ref.Tag
		case extract.StyleDigest:
			want = string(f.Ref.Digest)
		case extract.StyleCommit:
			want = bytes
		default:
			t.Errorf("%q: the style %q", f.Raw, f.Site.Style)
		}
		if bytes != want {
			t.Errorf("%q: at its site, of style %s, stands %q, want %q", f.Raw, f.Site.Style, bytes, want)
		}
		before := text[:f.Site.Start]
		line, column := 1+strings.Count(before, "\n"), f.Site.Start-strings.LastIndexByte(before, '\n')
		if f.Site.File == f.Origin.Where && f.Site.Style == extract.StyleReference && (line != f.Origin.Line || column != f.Origin.Column) {
			t.Errorf("%q: it is at %d:%d and its site at %d:%d", f.Raw, f.Origin.Line, f.Origin.Column, line, column)
		}
	}
	if !some {
		t.Error("nothing that is found can be changed")
	}
}

// put returns the files with text at a site.
func (s Suite) put(site extract.Site, text string) map[string]string {
	old := s.Files[site.File]
	return s.with(site.File, old[:site.Start]+site.Before+text+site.After+old[site.End:])
}

// replace puts another reference where one stands, and reads again: that one has
// changed and nothing else.
func replace(t *testing.T, s Suite) {
	s.change(t, func(f extract.Found) (string, ref.Ref, bool) {
		if f.Site.Style != extract.StyleReference || f.Site.Before != "" {
			return "", ref.Ref{}, false
		}
		want, err := ref.Parse(s.Replacement)
		if err != nil {
			t.Fatal(err)
		}
		return s.Replacement, want, true
	})
}

// pin adds a digest as "intact pin" does.
func pin(t *testing.T, s Suite) {
	s.change(t, func(f extract.Found) (string, ref.Ref, bool) {
		want := f.Ref
		want.Digest = someDigest
		switch f.Site.Style {
		case extract.StyleReference:
			return want.String(), want, true
		case extract.StyleTag:
			return want.Tag + "@" + someDigest, want, true
		case extract.StyleDigest:
			return someDigest, want, true
		case extract.StyleCommit:
			return someCommit, f.Ref, true
		}
		return "", want, false
	})
}

func (s Suite) change(t *testing.T, to func(extract.Found) (text string, want ref.Ref, ok bool)) {
	was := s.read(t, tree(s.Files))
	for i, f := range was.Found {
		if f.Site == nil {
			continue
		}
		text, want, ok := to(f)
		if !ok {
			continue
		}
		now := s.read(t, tree(s.put(*f.Site, text)))
		if len(now.Found) != len(was.Found) {
			t.Errorf("%q: with %q in its place %d references are found, %d before", f.Raw, text, len(now.Found), len(was.Found))
			continue
		}
		for j, g := range now.Found {
			old := was.Found[j]
			shared := old.Site != nil && *old.Site == *f.Site
			switch {
			case i == j && f.Site.Style == extract.StyleCommit:
				if g.Class != ref.Fixed {
					t.Errorf("%q: with %q in its place its class is %s", f.Raw, text, g.Class)
				}
			case i == j || shared && f.Site.Style == extract.StyleReference:
				// A digest in a field of its own may take the place of the tag.
				plain := want
				plain.Tag = ""
				if g.Ref != want && !(f.Site.Style == extract.StyleDigest && g.Ref == plain) {
					t.Errorf("%q: with %q in its place it is %q, want %q", f.Raw, text, g.Ref, want)
				}
			case !shared && g.Raw != old.Raw:
				t.Errorf("%q: with %q in its place %q becomes %q", f.Raw, text, old.Raw, g.Raw)
			}
			if diff := cmp.Diff(about(old), about(g)); diff != "" {
				t.Errorf("%q: with %q in its place (-was +is):\n%s", f.Raw, text, diff)
			}
		}
	}
}

// about is what a change of the reference does not change.
func about(f extract.Found) extract.Found {
	return extract.Found{Kind: f.Kind, Unresolved: f.Unresolved, Workload: f.Workload, Container: f.Container,
		Role: f.Role, Settings: f.Settings, Platform: f.Platform}
}
