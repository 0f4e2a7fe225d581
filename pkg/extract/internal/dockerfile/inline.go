package dockerfile

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/ref"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// An inline is a Dockerfile that is a text in another file.
type inline struct {
	file   *written.File // by a name that no file has
	outer  *written.File
	offset int   // of the text, or of what introduces it
	lines  []int // where each line is in outer; nil = not as it is
}

// Inline reads a Dockerfile that is written in outer, from offset on: there it
// stands line by line, each indented by the same, or it has no places but that.
func (b *Builds) Inline(outer *written.File, offset int, text string, build Build) {
	what := fmt.Sprintf("%s\x00%d", outer.Path, offset)
	if !b.first(what, build) {
		return
	}
	i := &inline{outer: outer, offset: offset, lines: align(outer, offset, text)}
	i.file = written.NewFile(what, []byte(text))
	b.inline = append(b.inline, i)
	refs, problems, err := Read(i.file, build)
	if err != nil {
		b.problem(outer.Origin(offset, ""), CauseOf(err), "the Dockerfile in it: %v", strings.TrimPrefix(err.Error(), fmt.Sprintf("read %q: ", what)))
	}
	b.Refs = append(b.Refs, refs...)
	for _, p := range problems {
		b.problem(i.origin(p.Origin), p.Cause, "the Dockerfile in it: %s", p.Why)
	}
}

// align returns where the lines of text are in f, from the line of offset on.
func align(f *written.File, offset int, text string) []int {
	first, _ := f.Position(offset)
	if end := offset + len(text); end <= len(f.Data) && string(f.Data[offset:end]) == text && !strings.Contains(text, "\n") {
		return []int{offset}
	}
	var out []int
	indent := -1
	n := first
	for line := range strings.Lines(text) {
		n++
		if n > f.Lines() {
			return nil
		}
		start, end := f.Line(n)
		have, want := bytes.TrimRight(f.Data[start:end], "\r\n"), strings.TrimRight(line, "\r\n")
		skip := len(have) - len(want)
		if want == "" {
			out = append(out, start)
			continue
		}
		if indent < 0 {
			indent = skip
		}
		if skip < 0 || skip != indent || string(have[skip:]) != want || len(bytes.TrimSpace(have[:skip])) > 0 {
			return nil
		}
		out = append(out, start+skip)
	}
	return out
}

// Settle returns what was found, with all the places in files of the tree. more
// is what else was found beside it.
func (b *Builds) Settle(more []written.Reference) []extract.Found {
	all := written.Settle(append(more, b.Refs...))
	found := all[:len(more)]
	seen := map[string]bool{}
	for _, f := range all[len(more):] { // builds of one Dockerfile have most of it in common
		key := fmt.Sprintf("%v\x00%s\x00%s", f.Origin, f.Raw, f.Unresolved)
		if f.Site != nil {
			key += fmt.Sprint(*f.Site)
		}
		if !seen[key] {
			seen[key] = true
			found = append(found, f)
		}
	}
	for _, i := range b.inline {
		for j := range found {
			i.settle(&found[j])
		}
	}
	return found
}

func (i *inline) settle(f *extract.Found) {
	if i.is(f.Site) {
		line, column := i.file.Position(f.Site.Start)
		length := f.Site.End - f.Site.Start
		if i.lines == nil || line > len(i.lines) {
			f.Site = nil
		} else {
			start := i.lines[line-1] + column - 1
			f.Site = &extract.Site{File: i.outer.Path, Start: start, End: start + length, Style: f.Site.Style}
		}
	}
	f.Ignored = slices.Clone(f.Ignored)
	for k := range f.Ignored {
		if f.Origin.Where == i.file.Path && i.lines != nil && f.Ignored[k].Line <= len(i.lines) {
			f.Ignored[k].Line, _ = i.outer.Position(i.lines[f.Ignored[k].Line-1])
		}
	}
	f.Origin = i.origin(f.Origin)
	for k := range f.Related {
		f.Related[k] = i.origin(f.Related[k])
	}
}

func (i *inline) is(s *extract.Site) bool { return s != nil && s.File == i.file.Path }

// origin is o in the outer file.
func (i *inline) origin(o ref.Origin) ref.Origin {
	if o.Where != i.file.Path {
		return o
	}
	at := i.offset
	if i.lines != nil && o.Line >= 1 && o.Line <= len(i.lines) {
		at = i.lines[o.Line-1] + max(0, o.Column-1)
	}
	return i.outer.Origin(min(at, len(i.outer.Data)), o.Path)
}
