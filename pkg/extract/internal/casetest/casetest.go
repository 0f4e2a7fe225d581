// Package casetest runs tables of cases for extractors: files in, and what is
// found in them as lines of text.
package casetest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Case is files, the first of which is read, and the lines that say what is
// found: "2:8 alpine:3 {alpine:3}". The braces hold the bytes to be changed; their
// form says what they are: {reference}, {:tag}, {@digest}, {#commit}.
type Case struct {
	Name  string
	Files string // txtar; a text without file markers is one file, Path
	Want  string
}

// Run runs cases. path is that of a case with one file.
func Run(t *testing.T, e extract.Extractor, path string, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			fsys, first := Files(path, c.Files)
			head, err := fs.ReadFile(fsys, first)
			if err != nil {
				t.Fatal(err)
			}
			if !e.Match(first, head[:min(len(head), extract.HeadSize)]) {
				t.Fatalf("%q is not matched", first)
			}
			got := ""
			r, err := e.Extract(fsys, first)
			if err != nil {
				got = "error: " + err.Error() + "\n"
			}
			got += Lines(t, fsys, first, r)
			if d := cmp.Diff(strings.TrimSpace(c.Want), strings.TrimSpace(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// Files returns the files of a case and the path of the first.
func Files(path, text string) (fstest.MapFS, string) {
	a := txtar.Parse([]byte(text))
	if len(a.Files) == 0 {
		return fstest.MapFS{path: &fstest.MapFile{Data: []byte(text)}}, path
	}
	fsys := fstest.MapFS{}
	for _, f := range a.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys, a.Files[0].Name
}

// Lines writes r, and fails t if a place of it is none.
func Lines(t testing.TB, fsys fs.FS, first string, r extract.Result) string {
	t.Helper()
	var b strings.Builder
	for _, f := range r.Found {
		fmt.Fprintf(&b, "%s %s", place(f.Origin, first), f.Raw)
		if f.Kind != ref.KindImage {
			fmt.Fprintf(&b, " %s", f.Kind)
		}
		if f.Class != "" {
			fmt.Fprintf(&b, " %s", f.Class)
		}
		if f.Unresolved != "" {
			fmt.Fprintf(&b, " ?%s", f.Unresolved)
		}
		if f.Platform != (ref.Platform{}) {
			fmt.Fprintf(&b, " on %s", f.Platform)
		}
		if f.Site != nil {
			b.WriteString(" " + site(t, fsys, first, f))
		}
		for _, i := range f.Ignored {
			fmt.Fprintf(&b, " ignore %s", i.Check)
		}
		b.WriteString("\n")
		if f.Unresolved == "" && f.Kind == ref.KindImage && f.Ref.Name == "" {
			t.Errorf("%q is neither resolved nor not", f.Raw)
		}
	}
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "%s object %s %q: %s on %s\n", place(o.Origin, first), o.Fact.Type, o.Fact.Name, o.Fact.Action, o.Fact.On)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s problem %s: %s\n", place(p.Origin, first), p.Cause, p.Why)
	}
	return b.String()
}

func place(o ref.Origin, first string) string {
	if o.Where == first {
		return fmt.Sprintf("%d:%d", o.Line, o.Column)
	}
	return fmt.Sprintf("%s:%d:%d", o.Where, o.Line, o.Column)
}

// site writes the bytes that are to be changed, which have to be of what was
// found.
func site(t testing.TB, fsys fs.FS, first string, f extract.Found) string {
	t.Helper()
	s := f.Site
	data, err := fs.ReadFile(fsys, s.File)
	if err != nil || s.Start < 0 || s.Start > s.End || s.End > len(data) {
		t.Fatalf("%+v is no place in a file of %d bytes: %v", s, len(data), err)
	}
	text := string(data[s.Start:s.End])
	in := ""
	if s.File != first {
		in = s.File + " "
	}
	is, mark := "", ""
	switch s.Style {
	case extract.StyleReference:
		is = f.Raw
	case extract.StyleTag:
		is, mark = f.Ref.Tag, ":"
	case extract.StyleDigest:
		is, mark = string(f.Ref.Digest), "@"
	case extract.StyleCommit:
		_, is, _ = strings.Cut(f.Raw, "@")
		mark = "#"
	default:
		t.Errorf("a site of style %q", s.Style)
	}
	if text != is {
		t.Errorf("the place of %q holds %q", is, text)
	}
	return "{" + in + mark + text + "}"
}

// Fuzz checks what holds of all input: nothing panics, and each place is one.
func Fuzz(f *testing.F, e extract.Extractor, path string, seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := fstest.MapFS{path: &fstest.MapFile{Data: data}}
		e.Match(path, data[:min(len(data), extract.HeadSize)])
		r, err := e.Extract(fsys, path)
		if err != nil {
			if position := (*extract.PositionError)(nil); errors.As(err, &position) && position.Line < 1 {
				t.Fatal("an error without a line")
			}
			return
		}
		Lines(t, fsys, path, r)
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for _, x := range r.Found {
			if x.Origin.Line < 1 || x.Origin.Line > lines || x.Origin.Column < 1 {
				t.Fatalf("%q is at %+v", x.Raw, x.Origin)
			}
		}
	})
}
