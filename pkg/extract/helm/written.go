package helm

import (
	"strings"
	"text/template/parse"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// plainImage is an image that is written as it is, to the end of its line.
var plainImage = lazy.Regexp(`^[ \t]*["']?([A-Za-z0-9][A-Za-z0-9._/:@-]*)["']?[ \t]*(?:#[^\n]*)?\r?\n`)

// asWritten finds the images of a part that does not render, as far as they are
// written in it: whole, or as an action of which nobody knows what it gives. An
// action in a loop over nothing, or with nothing, names none: a notice says so.
func (l *release) asWritten(p region, all *bearing) (notices []extract.Notice) {
	if p.Word == "define" {
		return nil // what asks for it is a part, too
	}
	text := string(p.file.data)
	nodes := p.Nodes.Nodes
	unknown := func(offset int) {
		line, _, _ := strings.Cut(text[min(offset, len(text)):], "\n")
		line, _, _ = strings.Cut(line, " #")
		line = strings.TrimSpace(line)
		if p.Word == "range" || p.Word == "with" {
			notices = append(notices, extract.Notice{Origin: p.file.place(offset), Raw: line, Why: "in parts of templates that the values have nothing for"})
			return
		}
		l.found = append(l.found, extract.Found{
			Raw: line, Kind: ref.KindImage, Off: true, Origin: p.file.place(offset), Ignored: p.file.ignored(offset), Chart: l.chart(),
			Unresolved: "the values of the chart switch it off, and it does not render by itself: list values that switch it on in .intact.yaml",
		})
	}
	for i, n := range nodes {
		t, ok := n.(*parse.TextNode)
		if !ok {
			each(shallow(n), func(n parse.Node) {
				if name, ok := included(n); ok && all.defined(name) {
					unknown(int(n.Position()))
				}
			})
			continue
		}
		for _, m := range imageKey().FindAllIndex(t.Text, -1) {
			at := int(t.Pos) + m[1]
			rest := string(t.Text[m[1]:])
			if i == len(nodes)-1 {
				rest += "\n"
			}
			v := plainImage().FindStringSubmatchIndex(rest)
			if v == nil {
				if strings.TrimSpace(rest) == "" || !strings.HasPrefix(strings.TrimLeft(rest, " \t"), "\n") {
					at += len(rest) - len(strings.TrimLeft(rest, " \t"))
					unknown(at)
				}
				continue
			}
			raw := rest[v[2]:v[3]]
			r, err := ref.Parse(raw)
			at += v[2]
			if err != nil || !strings.HasPrefix(text[min(at, len(text)):], raw) {
				unknown(at)
				continue
			}
			f := extract.Found{Raw: raw, Ref: r, Kind: ref.KindImage, Off: true, Origin: p.file.place(at), Ignored: p.file.ignored(at)}
			f.Site = (&candidate{kind: kindLiteral, file: p.file, text: raw, offset: at}).part(extract.StyleReference, 0, len(raw))
			l.found = append(l.found, f)
		}
	}
	return notices
}

// shallow is n without the parts that are rendered or not by themselves.
func shallow(n parse.Node) parse.Node {
	switch n := n.(type) {
	case *parse.IfNode:
		return n.Pipe
	case *parse.WithNode:
		return n.Pipe
	case *parse.RangeNode:
		return n.Pipe
	}
	return n
}
