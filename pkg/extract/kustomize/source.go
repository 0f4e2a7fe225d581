package kustomize

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A source is a file that an overlay is made of.
type source struct {
	path   string
	data   []byte
	docs   []*yamlpos.Doc
	images []kube.Image // that its objects name
	broken bool         // a part of it can't be read; the problem is told

	part    bool // the overlay stands for it
	patch   bool // its operations are read
	splices []splice
	cuts    []splice // what kustomize gets to see neither with marks nor without
}

// A splice is a mark in the place of some bytes.
type splice struct {
	start, end int
	text       string
}

func (s *source) root() yamlpos.Node {
	if len(s.docs) == 0 {
		return yamlpos.Node{}
	}
	return s.docs[0].Root()
}

// load reads a file once. Nil means that it can't be read; a problem says why.
func (g *graph) load(p string) *source {
	if s, ok := g.files[p]; ok {
		return s
	}
	g.files[p] = nil
	data, err := extract.ReadFile(g.fsys, p)
	if err != nil {
		g.problem(fileOrigin(p), err)
		return nil
	}
	g.read = append(g.read, p)
	f, err := yamlpos.Open(data)
	if err != nil {
		g.problem(fileOrigin(p), err)
		return nil
	}
	s := &source{path: p, data: data}
	if yamlpos.UTF16(data) {
		s.data = f.Text()
	}
	g.files[p] = s
	for d, err := range f.Docs(nil) {
		if err != nil {
			s.broken = true
			g.problems = append(g.problems, yamlpos.Problem(p, err))
			continue
		}
		// kustomize expands aliases, all of them.
		count(d.Root())
		images, problems := g.reader.Doc(p, d)
		for _, problem := range d.Problems() {
			s.broken = s.broken || yamlpos.Problem(p, problem).Cause == fact.Limit
		}
		g.cut(s, d)
		s.docs, s.images = append(s.docs, d), append(s.images, images...)
		g.problems = append(g.problems, problems...)
	}
	for _, i := range s.images {
		g.markFound(s, i.Found, nil)
	}
	return s
}

// cut leaves definitions of custom resources out, which are most of the text of
// many overlays and name no images, unless something speaks of them.
func (g *graph) cut(s *source, d *yamlpos.Doc) {
	if g.definitions || d.Root().Get("kind").String() != "CustomResourceDefinition" {
		return
	}
	start, end, _ := d.Extent()
	if shift := len(s.data) - len(bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))); shift > 0 {
		start, end = start+shift, end+shift
	}
	if n := len(s.cuts); n > 0 && s.cuts[n-1].start == start {
		return
	}
	s.cuts = append(s.cuts, splice{start, end, ""})
}

// count visits every value, an alias each time, until the budget is spent.
func count(n yamlpos.Node) {
	for _, v := range n.Fields() {
		count(v)
	}
	for _, v := range n.Items() {
		count(v)
	}
}

// A mark stands for a tag or digest of a place.
type mark struct {
	source *source
	found  extract.Found // what stands there
	entry  *entry        // of images:, if it is of one
	used   bool
}

// Marks have the length of a tag or digest and a number in them.
const (
	tagMark    = "x-intact-%07d"
	digestMark = "sha256:1d6ac4000000000000000000000000000000000000000000000000000%07d"
)

// markFound marks a whole reference.
func (g *graph) markFound(s *source, f extract.Found, e *entry) {
	if f.Unresolved != "" || f.Site == nil || f.Site.Style != extract.StyleReference || yamlpos.UTF16(s.data) {
		return
	}
	n := len(g.marks)
	text := f.Ref.Name
	if f.Ref.Digest == "" || f.Ref.Tag != "" {
		text += ":" + fmt.Sprintf(tagMark, n)
	}
	if f.Ref.Digest != "" {
		text += "@" + fmt.Sprintf(digestMark, n)
	}
	g.marks = append(g.marks, mark{source: s, found: f, entry: e})
	s.splices = append(s.splices, splice{f.Site.Start, f.Site.End, text})
}

// markPart marks a scalar that is a tag or digest alone.
func (g *graph) markPart(s *source, n yamlpos.Node, format string, e *entry) {
	p := n.Pos()
	if n.String() == "" || !p.Exact() {
		return
	}
	text := fmt.Sprintf(format, len(g.marks))
	if n.Number() {
		text = `"` + text + `"`
	}
	g.marks = append(g.marks, mark{source: s, entry: e, found: extract.Found{Origin: n.Origin(s.path, ""), Kind: ref.KindImage}})
	s.splices = append(s.splices, splice{p.Start, p.End, text})
}

// plain is the text of s without what is cut, mark with its marks as well.
func (s *source) plain() []byte { return s.apply(s.cuts) }

func (s *source) mark() []byte { return s.apply(append(slices.Clone(s.cuts), s.splices...)) }

func (s *source) apply(splices []splice) []byte {
	if len(splices) == 0 {
		return s.data
	}
	slices.SortStableFunc(splices, func(a, b splice) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, x := range splices {
		if x.start < at || x.end > len(s.data) {
			continue // an anchor, which is marked already
		}
		out.Write(s.data[at:x.start])
		out.WriteString(x.text)
		at = x.end
	}
	out.Write(s.data[at:])
	return out.Bytes()
}
