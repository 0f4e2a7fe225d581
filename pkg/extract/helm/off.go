package helm

import (
	"maps"
	"path"
	"slices"
	"text/template/parse"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/gotemplate"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A region is a List of a template that has images and that no release renders.
type region struct {
	file *file
	n    int
	gotemplate.List
}

// switchedOff finds the images that the values of all releases switch off: it
// renders them again with what has images switched on. What does not render even
// then is found as it is written.
func switchedOff(releases []*release) []extract.Notice {
	rs := slices.DeleteFunc(slices.Clone(releases), func(l *release) bool { return l.plain == nil })
	if len(rs) == 0 {
		return nil
	}
	all := newBearing(rs[0])
	var out []extract.Notice
	for _, l := range rs {
		out = append(out, l.switchOn(all.missing(rs), true)...)
	}
	for _, l := range rs {
		// What stands behind an else can need another if than what stands before it.
		out = append(out, l.switchOn(all.missing(rs), false)...)
	}
	for _, p := range all.missing(rs) {
		out = append(out, rs[0].asWritten(p, all)...)
	}
	return slices.Compact(out)
}

// switchOn renders with parts of templates switched on, or those before an else
// switched off, and keeps the images that are there only then.
func (l *release) switchOn(parts []region, on bool) (notices []extract.Notice) {
	l.forced = map[*file]map[int]bool{}
	for _, p := range parts {
		if p.Word != "if" || p.Fixed || p.Else == on {
			continue
		}
		n := p.n
		if p.Else {
			n = p.Of
		}
		if l.forced[p.file] == nil {
			l.forced[p.file] = map[int]bool{}
		}
		l.forced[p.file][n] = on
	}
	l.all = on && l.conditional()
	if len(l.forced) == 0 && !l.all {
		return nil
	}
	dropped, problems := maps.Clone(l.dropped), l.problems
	clear(l.sources)
	defer func() {
		l.dropped, l.problems, l.forced, l.all = dropped, problems, nil, false
		clear(l.sources)
		for _, f := range l.folder.files { // for the places in them
			if template(f.name) && !dropped[f] {
				_, _ = l.source(f, nil)
			}
		}
	}()
	r := l.forcedRendering()
	if r == nil {
		return nil
	}
	before := len(l.found)
	if l.all {
		l.missing(r.chart, "")
		for _, x := range l.found[before:] {
			if !slices.ContainsFunc(l.found[:before], func(o extract.Found) bool { return same(o, x) }) {
				notices = append(notices, extract.Notice{Origin: x.Origin, Raw: x.Raw, Why: "of charts that values switch off and that are not in charts/"})
			}
		}
		l.found = l.found[:before]
	}
	images := l.read(r, false)
	l.used = 0
	l.trace(images)
	traced := slices.Clone(l.found[before:])
	l.found = l.found[:before]
	for i, x := range traced {
		if slices.ContainsFunc(l.images, func(o image) bool {
			return o.template == images[i].template && o.Raw == x.Raw && o.Container == x.Container
		}) {
			continue
		}
		x.Off, x.Workload = true, extract.Workload{}
		if !slices.ContainsFunc(l.found, func(o extract.Found) bool { return same(o, x) }) {
			l.found = append(l.found, x)
		}
	}
	l.images = append(l.images, images...)
	return notices
}

// forcedRendering renders, without what does not render that way.
func (l *release) forcedRendering() *rendering {
	for range maxDropped {
		r, budget, err := l.render(nil)
		if err == nil {
			l.budgets = append(l.budgets, budget)
			return r
		}
		f, _ := l.failed(r, budget, err)
		switch {
		case f == nil || budget.Err() != nil || l.dropped[f]:
			return nil
		case len(l.forced[f]) > 0:
			delete(l.forced, f)
			delete(l.sources, f)
		default:
			l.dropped[f] = true
		}
	}
	return nil
}

// conditional reports whether values switch a chart off that this one depends on.
func (l *release) conditional() bool {
	r, err := l.load(nil)
	return err == nil && charts(r.chart) > charts(l.plain.chart)
}

func charts(c *chart.Chart) int {
	n := len(c.Metadata.Dependencies)
	for _, d := range c.Dependencies() {
		n += charts(d)
	}
	return n
}

// unconditional takes the conditions of all dependencies away.
func unconditional(c *chart.Chart) {
	for _, d := range c.Metadata.Dependencies {
		d.Condition, d.Tags = "", nil
	}
	for _, d := range c.Dependencies() {
		unconditional(d)
	}
}

// A bearing knows which parts of the templates of a chart have images.
type bearing struct {
	release *release
	files   []*file
	defines map[string]*parse.ListNode
	known   map[string]bool // by name of the definition
}

func newBearing(l *release) *bearing {
	b := &bearing{release: l, defines: map[string]*parse.ListNode{}, known: map[string]bool{}}
	for _, f := range l.folder.files {
		if !template(f.name) || l.dropped[f] || l.sources[f] == nil {
			continue
		}
		b.files = append(b.files, f)
		for _, x := range l.sources[f].Lists {
			if x.Word == "define" {
				b.defines[x.Name] = x.Nodes
			}
		}
	}
	return b
}

// imageKey is a key that has the image of a container, in a text of a template.
var imageKey = lazy.Regexp(`(?m)^[ \t-]*["']?image["']?[ \t]*:|[{,][ \t]*["']?image["']?[ \t]*:`)

// has reports whether a list has images, or what it includes.
func (b *bearing) has(l *parse.ListNode) (found bool) {
	each(l, func(n parse.Node) {
		if t, ok := n.(*parse.TextNode); ok {
			found = found || imageKey().Match(t.Text)
		} else if name, ok := included(n); ok {
			found = found || b.defined(name)
		}
	})
	return found
}

func (b *bearing) defined(name string) bool {
	has, ok := b.known[name]
	if !ok && b.defines[name] != nil {
		b.known[name] = false // for one that includes itself
		has = b.has(b.defines[name])
		b.known[name] = has
	}
	return has
}

// included is the name of the definition that n asks for.
func included(n parse.Node) (string, bool) {
	switch n := n.(type) {
	case *parse.TemplateNode:
		return n.Name, true
	case *parse.CommandNode:
		if id, ok := n.Args[0].(*parse.IdentifierNode); ok && id.Ident == "include" && len(n.Args) > 1 {
			if s, ok := n.Args[1].(*parse.StringNode); ok {
				return s.Text, true
			}
		}
	}
	return "", false
}

// missing are the parts with images that none of the releases has rendered.
func (b *bearing) missing(rs []*release) []region {
	var out []region
	for _, f := range b.files {
		if slices.ContainsFunc(rs, func(l *release) bool { return l.dropped[f] }) {
			continue // a problem says so
		}
		if path.Base(f.name) == notes {
			continue
		}
		for n, x := range b.release.sources[f].Lists {
			seen := slices.ContainsFunc(rs, func(l *release) bool {
				return slices.ContainsFunc(l.budgets, func(g *gotemplate.Budget) bool { return g.Seen(f.number, n) })
			})
			if partial := x.Word == "" && path.Base(f.name)[0] == '_'; !seen && !partial && b.has(x.Nodes) {
				out = append(out, region{f, n, x})
			}
		}
	}
	return out
}
