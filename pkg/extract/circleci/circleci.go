// Package circleci finds what CircleCI jobs run on: the images of docker
// executors, and machine images.
//
// https://circleci.com/docs/configuration-reference/
package circleci

import (
	"io/fs"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// An Extractor reads configurations.
type Extractor struct{}

var configPath = lazy.Regexp(`(?:^|/)\.circleci/(?:.*/)?[^/]+\.ya?ml$`)

// Match goes by the path: whatever lies in .circleci may be continued with.
func (Extractor) Match(p string, _ []byte) bool { return configPath().MatchString(p) }

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	for _, root := range f.Roots() {
		e := &extraction{r: r, parameters: root.Get("parameters"), calls: map[string][]*scope{}, budget: maxCalls}
		e.workflows(root.Get("workflows"))
		e.config(root, "", "")
		// Inline orbs are configurations of their own.
		for name, orb := range root.Get("orbs").Fields() {
			if orb.IsMap() {
				e.config(orb, "orbs."+name.String()+".", name.String()+"/")
			}
		}
		e.missing(root)
	}
	return r.Result(p), nil
}

// maxCalls bounds how often jobs and executors are read anew, with other
// parameters each time.
const maxCalls = 20_000

// An extraction is one document being read.
type extraction struct {
	r          *yamlrefs.Reader
	parameters yamlpos.Node        // of the pipeline
	calls      map[string][]*scope // how workflows call jobs
	order      []call
	budget     int
}

// A call is the place where a workflow names a job.
type call struct {
	job string
	n   yamlpos.Node
	at  string
}

// spend reports whether one more reading is allowed.
func (e *extraction) spend(n yamlpos.Node, at string) bool {
	e.budget--
	if e.budget == -1 {
		e.r.Limit(n, at, "calls of jobs and executors", maxCalls)
	}
	return e.budget >= 0
}
