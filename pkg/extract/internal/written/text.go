package written

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/intact-dev/intact/pkg/extract"
)

// A Text is a string of which each byte says where it is written. The zero
// value is the empty string.
type Text struct {
	s string
	// runs say, in order, where the bytes from at on stand: one after the other
	// from off on in file, or in no file if that is nil.
	runs []run
}

type run struct {
	at   int
	file *File
	off  int
	// loose is text that the bytes from off on say in another way.
	loose bool
}

// place is where the byte i of the text is, which is in the run.
func (r run) place(i int) int {
	if r.loose {
		return r.off
	}
	return r.off + i - r.at
}

// Made returns a text that stands in no file.
func Made(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{s: s, runs: []run{{}}}
}

// At returns s as what the bytes of file from offset on say, in these bytes or,
// where there is an escape or an expression, in others.
func At(file *File, offset int, s string) Text {
	if s == "" {
		return Text{}
	}
	offset = max(0, min(offset, len(file.Data)))
	loose := !bytes.HasPrefix(file.Data[offset:], []byte(s))
	return Text{s: s, runs: []run{{file: file, off: offset, loose: loose}}}
}

// Loose returns t as what its bytes do not say themselves, but an expression
// that begins there.
func (t Text) Loose() Text {
	out := Text{s: t.s, runs: slices.Clone(t.runs)}
	for i := range out.runs {
		out.runs[i].loose = true
	}
	return out
}

// String returns the text alone.
func (t Text) String() string { return t.s }

// Len returns the length in bytes.
func (t Text) Len() int { return len(t.s) }

// Slice returns the bytes from i to j.
func (t Text) Slice(i, j int) Text {
	if i >= j {
		return Text{}
	}
	first := t.find(i)
	out := Text{s: t.s[i:j]}
	for k := first; k < len(t.runs) && t.runs[k].at < j; k++ {
		r := t.runs[k]
		if i > r.at {
			r.off = r.place(i)
			r.at = i
		}
		r.at -= i
		out.runs = append(out.runs, r)
	}
	return out
}

// find returns the run that byte i is in.
func (t Text) find(i int) int {
	return sort.Search(len(t.runs), func(k int) bool { return t.runs[k].at > i }) - 1
}

// end is where run i ends.
func (t Text) end(i int) int {
	if i+1 < len(t.runs) {
		return t.runs[i+1].at
	}
	return len(t.s)
}

// Place returns where byte i is written; nil if in no file.
func (t Text) Place(i int) (*File, int) {
	if len(t.runs) == 0 || i >= len(t.s) {
		return nil, 0
	}
	r := t.runs[t.find(i)]
	if r.file == nil {
		return nil, 0
	}
	return r.file, r.place(i)
}

// A Place is an offset in a file.
type Place struct {
	File   *File
	Offset int
}

// Places returns where the parts of t begin that are written in files.
func (t Text) Places() []Place {
	var out []Place
	for _, r := range t.runs {
		if r.file != nil {
			out = append(out, Place{r.file, r.off})
		}
	}
	return out
}

// Span returns the bytes of the one file that say all of t, one after the other
// and without anything between them; nil if there are none.
func (t Text) Span() (f *File, start, end int) {
	if len(t.runs) != 1 || t.runs[0].file == nil || t.runs[0].loose {
		return nil, 0, 0
	}
	r := t.runs[0]
	return r.file, r.off, r.off + len(t.s)
}

// Trim returns t without white space around it.
func (t Text) Trim() Text {
	left := len(t.s) - len(strings.TrimLeftFunc(t.s, unicode.IsSpace))
	return t.Slice(left, len(strings.TrimRightFunc(t.s, unicode.IsSpace)))
}

// A Builder puts a Text together. The zero value is ready.
type Builder struct {
	b    strings.Builder
	runs []run
}

// Add appends t.
func (b *Builder) Add(t Text) {
	for i, r := range t.runs {
		b.add(r, t.s[r.at:t.end(i)])
	}
}

// AddFile appends the bytes of f from start to end.
func (b *Builder) AddFile(f *File, start, end int) {
	b.add(run{file: f, off: start}, string(f.Data[start:end]))
}

func (b *Builder) add(r run, s string) {
	if s == "" {
		return
	}
	follows := false
	if n := len(b.runs); n > 0 {
		last := b.runs[n-1]
		follows = last.file == r.file && last.loose == r.loose && (r.file == nil || last.place(b.b.Len()) == r.off)
	}
	if !follows {
		r.at = b.b.Len()
		b.runs = append(b.runs, r)
	}
	b.b.WriteString(s)
}

// Text returns what was put together.
func (b *Builder) Text() Text { return Text{s: b.b.String(), runs: b.runs} }

// Covers reports whether what s would change is part of t.
func (t Text) Covers(s *extract.Site) bool {
	for i, r := range t.runs {
		if r.file != nil && r.file.Path == s.File && r.off < s.End && s.Start < r.off+t.end(i)-r.at {
			return true
		}
	}
	return false
}
