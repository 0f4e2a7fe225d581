package helm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/gotemplate"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A release is one chart with one set of values.
type release struct {
	folder  *folder
	reader  *kube.Reader
	values  []*file // that are given, the last counts
	sources map[*file]*gotemplate.Source
	parsed  map[*file][]*yamlpos.Doc
	dropped map[*file]bool // templates that don't render

	plain   *rendering           // as its values are; nil if it doesn't render
	images  []image              // of that
	budgets []*gotemplate.Budget // that know what was rendered
	forced  map[*file]map[int]bool
	all     bool // the charts that its values switch off, too

	renders  int     // of one step to find where things come from
	used     float64 // budgets that these took
	found    []extract.Found
	problems []extract.Problem
}

// An image is one that was rendered.
type image struct {
	extract.Found
	template *file
}

func (l *release) run(c Chart) {
	l.sources, l.parsed, l.dropped = map[*file]*gotemplate.Source{}, map[*file][]*yamlpos.Doc{}, map[*file]bool{}
	for _, p := range c.Values {
		l.valuesFile(p)
	}
	l.set(c.Set)
	for _, f := range slices.Concat(l.values, l.folder.files) {
		switch {
		case template(f.name):
			l.check(f)
		case l.isValues(f) || path.Base(f.name) == chartFile || path.Base(f.name) == "requirements.yaml":
			l.valid(f)
		}
	}
	complete := false
	if l.plain, complete = l.asItIs(); l.plain != nil {
		l.missing(l.plain.chart, "")
		l.images = l.read(l.plain, true)
		l.trace(l.images)
		l.crds(l.plain)
	}
	if !complete {
		l.unrendered()
	}
}

func (l *release) valuesFile(p string) {
	data, err := extract.ReadFile(l.folder.fsys, p)
	if err != nil {
		l.problem(extract.Problem{Origin: origin(p), Cause: causeOf(err), Why: fmt.Sprintf("values of the chart %q: %v", l.folder.dir, err)})
		return
	}
	l.folder.read = append(l.folder.read, p)
	l.folder.claims = append(l.folder.claims, p)
	f := &file{name: p, path: p, was: data}
	if f.data = []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf")); len(f.data) == 0 {
		f.data = []byte("\n")
	}
	l.values = append(l.values, f)
}

// check drops a template that can't be parsed.
func (l *release) check(f *file) {
	_, err := l.source(f, nil)
	if err == nil {
		return
	}
	l.dropped[f] = true
	at := f.place(0)
	if p := (*extract.PositionError)(nil); errors.As(err, &p) && !f.packed {
		at.Line, at.Column = p.Line, p.Column
	}
	l.problem(extract.Problem{Origin: at, Cause: causeOf(err), Why: err.Error()})
}

// valid says what is wrong with a file of values.
func (l *release) valid(f *file) {
	y, err := yamlpos.Open(f.was)
	if p := (*extract.PositionError)(nil); errors.As(err, &p) {
		l.problem(yamlpos.Problem(f.path, p))
		return
	}
	for d, err := range y.Docs(nil) {
		if err == nil {
			l.parsed[f] = append(l.parsed[f], d)
			continue
		}
		p := yamlpos.Problem(f.path, err)
		if f.packed {
			p.Origin = f.place(0)
		}
		l.problem(p)
	}
}

// How many templates of one chart are told not to render, each of which is one
// rendering, and how many of them for a limit, which is a long one.
const (
	maxDropped = 20
	maxEndless = 3
)

// asItIs renders the chart with its values. Templates that fail are left out one by one,
// so that the others are seen; complete is false then.
func (l *release) asItIs() (r *rendering, complete bool) {
	complete = len(l.dropped) == 0
	endless := 0
	for range maxDropped {
		r, budget, err := l.render(nil)
		if err == nil {
			l.budgets = append(l.budgets, budget)
			return r, complete
		}
		complete = false
		f, p := l.failed(r, budget, err)
		l.problem(p)
		if budget.Err() != nil {
			endless++
		}
		if f == nil || l.dropped[f] || endless == maxEndless {
			return nil, false
		}
		l.dropped[f] = true
	}
	return nil, false
}

var (
	failedAt = lazy.Regexp(`(?:^|[( ])([^\s():]+(?:/[^\s():]+)+):(\d+)(?::(\d+))?`)
	noise    = lazy.Regexp(`\s*\n\s*`)
)

// failed says which template an error is of, and where.
func (l *release) failed(r *rendering, budget *gotemplate.Budget, err error) (*file, extract.Problem) {
	p := extract.Problem{Origin: origin(path.Join(l.folder.dir, chartFile)), Cause: fact.Unsupported}
	text := noise().ReplaceAllString(err.Error(), " ")
	if limit := budget.Err(); limit != nil {
		p.Cause, text = fact.Limit, limit.Error()
	}
	p.Why = "render the chart: " + text
	m := failedAt().FindStringSubmatch(err.Error())
	if m == nil || r == nil || r.files[m[1]] == nil {
		return nil, p
	}
	f := r.files[m[1]]
	p.Origin = f.place(0)
	line, _ := strconv.Atoi(m[2])
	column, _ := strconv.Atoi(m[3])
	if s := l.sources[f]; s != nil && !f.packed {
		p.Origin.Line, p.Origin.Column = s.Was(line, column)
	}
	if p.Cause != fact.Limit {
		_, why, _ := strings.Cut(text, m[0])
		p.Why = "does not render: " + l.places(r, strings.TrimLeft(why, "): "))
	}
	return f, p
}

var innerPlace = lazy.Regexp(`([^\s():]+(?:/[^\s():]+)+):(\d+):(\d+)`)

// places puts the places of templates as they are written into an error.
func (l *release) places(r *rendering, text string) string {
	return innerPlace().ReplaceAllStringFunc(text, func(at string) string {
		m := innerPlace().FindStringSubmatch(at)
		s := l.sources[r.files[m[1]]]
		if s == nil {
			return at
		}
		line, _ := strconv.Atoi(m[2])
		column, _ := strconv.Atoi(m[3])
		line, column = s.Was(line, column)
		return fmt.Sprintf("%s:%d:%d", m[1], line, column)
	})
}

// read reads what was rendered.
func (l *release) read(r *rendering, tell bool) []image {
	var out []image
	for _, name := range slices.Sorted(maps.Keys(r.texts)) {
		f := r.files[name]
		if f == nil || path.Base(name) == notes || strings.TrimSpace(r.texts[name]) == "" {
			continue
		}
		images, problems, err := l.reader.Read(f.path, []byte(r.texts[name]), nil)
		if err != nil { // there is no UTF-16 in templates
			problems = append(problems, extract.Problem{Origin: f.place(0), Cause: fact.Unsupported, Why: err.Error()})
		}
		for _, i := range images {
			out = append(out, image{i.Found, f})
		}
		for _, p := range problems {
			if !tell {
				break
			}
			p.Why = fmt.Sprintf("line %d of what %s renders: %s", p.Origin.Line, name, p.Why)
			p.Origin = f.place(0)
			l.problem(p)
		}
	}
	return out
}

// crds reads the folders of custom resources, which are no templates.
func (l *release) crds(r *rendering) {
	for _, o := range r.chart.CRDObjects() {
		for _, f := range l.folder.files {
			if !strings.HasSuffix(f.name, o.Name) || len(o.File.Data) == 0 || &o.File.Data[0] != &f.data[0] {
				continue
			}
			images, problems, err := l.reader.Read(f.path, f.was, nil)
			if err != nil {
				problems = append(problems, extract.Problem{Origin: f.place(0), Cause: fact.Unsupported, Why: err.Error()})
			}
			for _, i := range images {
				if f.packed {
					i.Origin, i.Site, i.Related = f.place(0), nil, nil
				}
				l.found = append(l.found, i.Found)
			}
			for _, p := range problems {
				if f.packed {
					p.Origin = f.place(0)
				}
				l.problem(p)
			}
		}
	}
}

// chart is what is rendered; zero if it does not say what it is called.
func (l *release) chart() extract.Chart {
	for f, docs := range l.parsed {
		if f.name == chartFile && len(docs) > 0 && docs[0].Root().Get("name").String() != "" {
			return extract.Chart{Path: docs[0].Root().Get("name").String(), Version: docs[0].Root().Get("version").String()}
		}
	}
	return extract.Chart{}
}

// unrendered keeps the images that can be seen in the values of a chart that does
// not render, or not whole.
func (l *release) unrendered() {
	seen := map[string]bool{}
	for _, f := range l.found {
		seen[f.Ref.String()] = true
	}
	for _, f := range slices.Concat(l.values, l.folder.files) {
		if !l.isValues(f) {
			continue
		}
		for d := range l.docs(f) {
			for _, x := range kube.Values(f.path, d.Root()) {
				if x.Unresolved == "" && seen[x.Ref.String()] {
					continue
				}
				x.Unresolved = cmp.Or(x.Unresolved, "the chart does not render as a whole, so it is not known what uses it")
				x.Chart = l.chart()
				x.Ref.Name, x.Ref.Tag, x.Ref.Digest, x.Site = "", "", "", nil
				if f.packed {
					x.Origin, x.Related = f.place(0), nil
				}
				l.found = append(l.found, x)
			}
		}
	}
}

// problem is one of what does not render.
func (l *release) problem(p extract.Problem) {
	p.Chart = l.chart()
	if !slices.Contains(l.problems, p) {
		l.problems = append(l.problems, p)
	}
}
