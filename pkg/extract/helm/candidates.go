package helm

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// candidates returns what the images may be made of, those of a file by their
// places.
func (l *release) candidates(raws []string) []*candidate {
	var out []*candidate
	within := func(text string) bool {
		return text != "" && slices.ContainsFunc(raws, func(raw string) bool { return strings.Contains(raw, text) })
	}
	for _, f := range slices.Concat(l.folder.files, l.values) {
		switch {
		case l.isValues(f):
			for d := range l.docs(f) {
				walk(d.Root(), nil, func(n yamlpos.Node, at []any) {
					text := n.String()
					if _, isBool := n.Bool(); isBool || !within(text) || (n.Number() || len(text) < 2) && !tagKey().MatchString(key(at)) {
						return
					}
					out = append(out, &candidate{kind: kindValue, file: f, text: text, node: n, path: at})
				})
			}
		case path.Base(f.name) == chartFile && !template(f.name):
			for d := range l.docs(f) {
				for _, k := range []string{"appVersion", "version"} {
					if n := d.Root().Get(k); within(n.String()) {
						out = append(out, &candidate{kind: kindVersion, file: f, text: n.String(), node: n, path: []any{k}})
					}
				}
			}
		case template(f.name):
			out = append(out, l.literals(f, within)...)
		}
	}
	return out[:min(len(out), maxMarks)]
}

// empties are values without a text that tags or digests can be put into: "", and
// not null, which has no place.
func (l *release) empties(name *regexp.Regexp) []*candidate {
	var out []*candidate
	for _, f := range slices.Concat(l.folder.files, l.values) {
		if f.packed || !l.isValues(f) {
			continue
		}
		for d := range l.docs(f) {
			walk(d.Root(), nil, func(n yamlpos.Node, at []any) {
				if n.String() == "" && n.Pos().Exact() && name.MatchString(key(at)) {
					out = append(out, &candidate{kind: kindValue, file: f, node: n, path: at})
				}
			})
		}
	}
	return out[:min(len(out), maxMarks)]
}

var (
	tagKey    = lazy.Regexp(`(?i)(tag|version|digest|image)$`)
	emptyTag  = lazy.Regexp(`(?i)(tag|version)$`)
	digestKey = lazy.Regexp(`(?i)(digest|sha|sha256)$`)
)

func key(path []any) string {
	s, _ := path[len(path)-1].(string)
	return s
}

// isValues reports whether f is a values file, or the values.yaml of a chart.
func (l *release) isValues(f *file) bool {
	return slices.Contains(l.values, f) || path.Base(f.name) == "values.yaml" && !template(f.name) &&
		slices.ContainsFunc(l.folder.files, func(o *file) bool { return o.name == path.Join(path.Dir(f.name), chartFile) })
}

// docs are the documents of values, or of what describes a chart.
func (l *release) docs(f *file) func(func(*yamlpos.Doc) bool) {
	return func(yield func(*yamlpos.Doc) bool) {
		for _, d := range l.parsed[f] {
			if !yield(d) {
				return
			}
		}
	}
}

// maxLevel is how deep images are looked for in values: anchors may hold
// themselves.
const maxLevel = 64

// walk visits all scalars, null included.
func walk(n yamlpos.Node, at []any, visit func(yamlpos.Node, []any)) {
	switch {
	case len(at) > maxLevel:
	case n.IsMap():
		for k, v := range n.Fields() {
			walk(v, append(at[:len(at):len(at)], k.String()), visit)
		}
	case n.IsList():
		for i, v := range n.Items() {
			walk(v, append(at[:len(at):len(at)], i), visit)
		}
	case n.Exists() && len(at) > 0:
		visit(n, at)
	}
}

var (
	// imageLine is how a line of a template begins that has an image.
	imageLine = lazy.Regexp(`(?i)image[a-z0-9_.-]*["']?[ \t]*:`)
	token     = lazy.Regexp(`[A-Za-z0-9][A-Za-z0-9._/:@-]*[A-Za-z0-9]|[A-Za-z0-9]`)
)

// literals are the texts in a template that are within an image, and the actions
// in lines that have one.
func (l *release) literals(f *file, within func(string) bool) []*candidate {
	s, err := l.source(f, nil)
	if err != nil {
		return nil
	}
	text := string(f.data)
	var out []*candidate
	add := func(offset int, literal string) {
		if strings.HasPrefix(text[min(offset, len(text)):], literal) && within(literal) {
			out = append(out, &candidate{kind: kindLiteral, file: f, text: literal, offset: offset})
		}
	}
	line := func(offset int) string { return text[strings.LastIndexByte(text[:offset], '\n')+1 : offset] }
	visit := func(n parse.Node) {
		at := min(int(n.Position()), len(text))
		switch n := n.(type) {
		case *parse.TextNode:
			for _, m := range token().FindAllStringIndex(string(n.Text), -1) {
				word := string(n.Text[m[0]:m[1]])
				if strings.ContainsAny(word, ":/") && len(word) > 3 || imageLine().MatchString(line(at+m[0])) {
					add(at+m[0], word)
				}
			}
		case *parse.StringNode:
			if len(n.Quoted) == len(n.Text)+2 && n.Text != "" {
				add(at+1, n.Text)
			}
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 && imageLine().MatchString(line(at)) {
				out = append(out, &candidate{kind: kindAction, file: f, offset: at})
			}
		}
	}
	for _, t := range s.Trees {
		each(t.Root, visit)
	}
	slices.SortStableFunc(out, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(b.kind, a.kind))
	})
	return slices.CompactFunc(out, func(a, b *candidate) bool { return a.kind == b.kind && a.offset == b.offset })
}

// each visits n and what is below it.
func each(n parse.Node, visit func(parse.Node)) {
	branch := func(b *parse.BranchNode) {
		each(b.Pipe, visit)
		each(b.List, visit)
		if b.ElseList != nil {
			each(b.ElseList, visit)
		}
	}
	visit(n)
	switch n := n.(type) {
	case *parse.ListNode:
		for _, x := range n.Nodes {
			each(x, visit)
		}
	case *parse.ActionNode:
		each(n.Pipe, visit)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			each(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			each(c, visit)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			each(a, visit)
		}
	case *parse.ChainNode:
		each(n.Node, visit)
	}
}
