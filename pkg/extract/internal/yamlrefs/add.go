package yamlrefs

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A reference is one that was found, and what it was found in.
type reference struct {
	written.Reference
	use   yamlpos.Node
	names []string
}

// Add says that use, at path in its document, names v, which was put together
// with variables; names are the words that mention them. One that was added
// before is not added again. The Found may be changed until Result is called; nil
// if there is none to change.
func (r *Reader) Add(use yamlpos.Node, path string, kind ref.Kind, v written.Value, names ...string) *extract.Found {
	f := r.File(use)
	if f == nil {
		return nil
	}
	p := use.Pos()
	offset := 0
	if p.Exact() {
		offset = p.Start - f.shift
	}
	found := v.Found(kind, written.Use{File: f.text, Offset: offset, Path: path})
	if kind != ref.KindImage && kind != ref.KindArtifact {
		// Not by the grammar of images: nor is there a place for a digest.
		found.Ref, found.Site, found.Unresolved = ref.Ref{}, nil, v.Unresolved
	}
	file, at := v.Text.Place(0)
	if whole, _, _ := v.Text.Span(); whole == nil || file == nil {
		found.Origin = use.Origin(f.Path, path)
	}
	found.Related = related(found)
	found.Ignored = use.Ignored()
	if n, ok := r.nodes[place{file, at}]; ok && n != use {
		found.Ignored = append(found.Ignored, n.Ignored()...)
	}
	key := fmt.Sprint(f.Path, p.Line, p.Column, found.Origin, found.Raw, found.Unresolved, kind)
	if r.seen[key] {
		return nil
	}
	r.seen[key] = true
	r.refs = append(r.refs, &reference{Reference: written.Reference{Found: found, Text: v.Text}, use: use, names: names})
	return &r.refs[len(r.refs)-1].Found
}

// Via says that the value n is of no use but to what references are put together
// from: that it mentions a variable counts as a reference does.
func (r *Reader) Via(n yamlpos.Node) {
	if r.File(n) != nil {
		r.via[n] = true
	}
}

// related leaves out what is on the line of the origin itself, which moved.
func related(f extract.Found) []ref.Origin {
	var out []ref.Origin
	for _, o := range f.Related {
		if o.Where != f.Origin.Where || o.Line != f.Origin.Line {
			out = append(out, o)
		}
	}
	return out
}

// Part returns the place of n's bytes from one to another, for a Found of Add:
// nil if they are not in the file as they are.
func (r *Reader) Part(n yamlpos.Node, style extract.Style, from, to int) *extract.Site {
	f := r.File(n)
	if f == nil {
		return nil
	}
	s := n.Part(f.Path, style, from, to)
	if s != nil { // settle adds it for all
		s.Start -= f.shift
		s.End -= f.shift
	}
	return s
}

// Object adds an object that is written at n. One that was added before is not
// added again.
func (r *Reader) Object(n yamlpos.Node, path string, o fact.Object) {
	f := r.File(n)
	if f == nil {
		return
	}
	x := extract.Object{Origin: n.Origin(f.Path, path), Fact: o, Ignored: n.Ignored()}
	if key := fmt.Sprint(x.Origin, o); !r.seen[key] {
		r.seen[key] = true
		r.out.Objects = append(r.out.Objects, x)
	}
}

func (r *Reader) settle() []extract.Found {
	all := make([]written.Reference, 0, len(r.refs))
	known := map[string]bool{}
	for _, x := range r.refs {
		if x.Site != nil && x.Site.Style == extract.StyleTag && !r.inUse(x) && r.usedElsewhere(x.names, known) {
			x.Site = nil
		}
		all = append(all, x.Reference)
	}
	out := written.Settle(all)
	for i := range out {
		s := out[i].Site
		if s == nil {
			continue
		}
		if f := r.files[s.File]; f != nil {
			moved := *s
			moved.Start += f.shift
			moved.End += f.shift
			out[i].Site = &moved
		}
	}
	return out
}

// inUse reports whether the bytes of x's Site are in the value that uses them.
func (r *Reader) inUse(x *reference) bool {
	p, f := x.use.Pos(), r.File(x.use)
	return p.Exact() && f.Path == x.Site.File && x.Site.Start >= p.Start-f.shift && x.Site.End <= p.End-f.shift
}

// usedElsewhere reports whether a variable is named in anything but references
// and where it is set: a tag that is a version to a script as well must not get
// a digest. The answers are kept in known.
func (r *Reader) usedElsewhere(names []string, known map[string]bool) bool {
	for _, name := range names {
		elsewhere, asked := known[name]
		if !asked {
			elsewhere = r.mentioned(name)
			known[name] = elsewhere
		}
		if elsewhere {
			return true
		}
	}
	return false
}

func (r *Reader) mentioned(name string) bool {
	n := 0
	for _, f := range r.order {
		n += mentions(name, string(f.text.Data))
	}
	uses := map[place]bool{}
	subtract := func(use yamlpos.Node) {
		p := use.Pos()
		at := place{r.File(use).text, p.Start}
		if p.Exact() && !uses[at] {
			uses[at] = true
			n -= mentions(name, use.String())
		}
	}
	for _, x := range r.refs {
		subtract(x.use)
	}
	for use := range r.via {
		subtract(use)
	}
	return n > 0
}

// mentions counts where name is a word of text and not a key.
func mentions(name, text string) int {
	n := 0
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 || name == "" {
			return n
		}
		start, end := from+i, from+i+len(name)
		from = end
		switch {
		case start > 0 && wordByte(text[start-1]), end < len(text) && wordByte(text[end]):
		case key(text[end:]):
		default:
			n++
		}
	}
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// key reports whether what comes before rest is the key of a mapping.
func key(rest string) bool {
	rest = strings.TrimLeft(rest, "\"' \t")
	return strings.HasPrefix(rest, ":") && (len(rest) == 1 || strings.IndexByte(" \t\r\n", rest[1]) >= 0)
}
