package helm

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/intact-dev/intact/pkg/extract/internal/gotemplate"
)

// kubeVersion is the cluster that charts are rendered for.
const kubeVersion = "v1.37.0"

// Notes are rendered and name no objects; they can refuse to be installed.
const notes = "NOTES.txt"

// A rendering is one of a chart.
type rendering struct {
	chart *chart.Chart
	texts map[string]string // by the names that templates have in it
	files map[string]*file  // that they are of
	by    map[*byte]*source // the templates, by where their new text is in memory
}

// A source is a template as the engine gets it.
type source struct {
	file *file
	text *gotemplate.Source
}

// marks are put into the values and templates of one rendering; nil are none.
type marks []*candidate

// load loads the chart, with marks.
func (l *release) load(m marks) (*rendering, error) {
	r := &rendering{by: map[*byte]*source{}, files: map[string]*file{}}
	var files []*archive.BufferedFile
	data := map[*byte]*file{}
	for _, f := range l.folder.files {
		b := &archive.BufferedFile{Name: f.name, Data: f.data}
		if template(f.name) {
			if m != nil && path.Base(f.name) == notes {
				continue // it may compare images with what they should be
			}
			s, err := l.source(f, m)
			if err != nil || l.dropped[f] {
				continue
			}
			b.Data = append([]byte(s.Text), '\n')
			r.by[&b.Data[0]] = &source{f, s}
		}
		data[&b.Data[0]] = f
		files = append(files, b)
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("load the chart: %w", err)
	}
	r.chart = c
	m.put(c, data)
	return r, nil
}

// template reports whether a file is one that is rendered. Its name has only
// "charts" and names of charts before "templates".
func template(name string) bool {
	for {
		first, rest, ok := strings.Cut(name, "/")
		switch {
		case !ok:
			return false
		case first == "templates":
			return true
		case first != "charts":
			return false
		}
		if _, name, ok = strings.Cut(rest, "/"); !ok {
			return false
		}
	}
}

// source is a template that stays within bounds, with marks.
func (l *release) source(f *file, m marks) (*gotemplate.Source, error) {
	text, after := m.splice(f)
	if m != nil && after == nil && len(text) == len(f.data) {
		m = nil // nothing of it is marked
	}
	if s, ok := l.sources[f]; ok && m == nil {
		return s, nil
	}
	s, err := gotemplate.Rewrite(path.Base(f.name), text, gotemplate.Options{After: after, Number: f.number, Force: l.forced[f]})
	if err != nil {
		return nil, err
	}
	if m == nil {
		l.sources[f] = s
	}
	return s, nil
}

// render renders the chart with values, of which nothing is kept.
func (l *release) render(m marks) (r *rendering, budget *gotemplate.Budget, err error) {
	budget = gotemplate.NewBudget()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("render the chart: it failed: %v", v)
		}
	}()
	if r, err = l.load(m); err != nil {
		return nil, budget, err
	}
	vals := map[string]any{}
	for _, f := range l.values {
		v, err := loader.LoadValues(bytes.NewReader(f.data))
		if err != nil {
			return nil, budget, fmt.Errorf("values of %q: %w", f.path, err)
		}
		m.values(f, v)
		vals = loader.MergeMaps(vals, v)
	}
	if l.all {
		unconditional(r.chart)
	}
	if err := chartutil.ProcessDependencies(r.chart, vals); err != nil {
		return nil, budget, fmt.Errorf("dependencies of the chart: %w", err)
	}
	caps := common.DefaultCapabilities.Copy()
	if v, err := common.ParseKubeVersion(kubeVersion); err == nil {
		caps.KubeVersion = *v
	}
	o := common.ReleaseOptions{Name: r.chart.Name(), Namespace: "default", Revision: 1, IsInstall: true}
	top, err := util.ToRenderValuesWithSchemaValidation(r.chart, vals, o, caps, true)
	if err != nil {
		return nil, budget, fmt.Errorf("values of the chart: %w", err)
	}
	r.name(r.chart)
	e := engine.Engine{CustomTemplateFuncs: budget.Funcs()}
	r.texts, err = e.RenderWithContext(context.Background(), r.chart, top)
	return r, budget, err
}

// name finds the files of templates by the names that they are rendered by.
func (r *rendering) name(c *chart.Chart) {
	for _, t := range c.Templates {
		if len(t.Data) == 0 {
			continue
		}
		if s := r.by[&t.Data[0]]; s != nil {
			r.files[path.Join(c.ChartFullPath(), t.Name)] = s.file
		}
	}
	for _, d := range c.Dependencies() {
		r.name(d)
	}
}
