// Package helm reads Helm charts: what they render, and where in values and
// templates what is rendered comes from. Nothing is fetched, executed or asked of
// a cluster. A values.schema.json is not looked at: it may name others by address.
package helm

import (
	"io/fs"
	"path"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
)

// A CRD is a custom resource that names images beside those that are known.
type CRD = kube.CRD

// A Chart is how a chart is rendered: its folder, and values files in the order
// in which they count, from the root of the tree. A chart that is listed several
// times is rendered several times.
type Chart struct {
	Chart  string
	Values []string
	Set    []string // as helm's --set takes them; they come after the files
}

// An Extractor reads charts. The zero value is ready for use: it renders each
// with its own values.
type Extractor struct {
	Charts []Chart
	// CRDs are further custom resources, and where they name images.
	CRDs []CRD
}

const chartFile = "Chart.yaml"

// Match implements [extract.Extractor].
func (e Extractor) Match(p string, _ []byte) bool { return path.Base(p) == chartFile }

// Extract implements [extract.Extractor]. The result claims the chart's templates
// and values, those of the charts in it, and the values files. The name of the
// release is that of the chart.
func (e Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	if _, err := extract.ReadFile(fsys, p); err != nil {
		return extract.Result{}, err
	}
	dir := path.Dir(p)
	f := readFolder(fsys, dir)
	r := extract.Result{Problems: f.problems}
	var all []Chart
	for _, c := range e.Charts {
		if path.Clean(c.Chart) == dir {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		all = append(all, Chart{})
	}
	var releases []*release
	for _, c := range all {
		l := &release{folder: f, reader: &kube.Reader{CRDs: e.CRDs}}
		l.run(c)
		releases = append(releases, l)
	}
	r.Notices = switchedOff(releases)
	for _, l := range releases {
		for _, x := range l.found {
			if !slices.ContainsFunc(r.Found, func(o extract.Found) bool { return same(o, x) }) {
				r.Found = append(r.Found, x)
			}
		}
		for _, x := range l.problems {
			if !slices.Contains(r.Problems, x) {
				r.Problems = append(r.Problems, x)
			}
		}
	}
	f.result(&r)
	slices.SortStableFunc(r.Found, func(a, b extract.Found) int { return compare(a.Origin, b.Origin) })
	return r, nil
}
