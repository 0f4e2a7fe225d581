// Package gitlab finds the images that GitLab CI pipelines run: of jobs, their
// services and defaults, over local includes, extends, references and variables.
//
// https://docs.gitlab.com/ci/yaml/
package gitlab

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// An Extractor reads pipelines. It stands for what they include.
type Extractor struct{}

var (
	pipelinePath = lazy.Regexp(`(?:^|[/.])gitlab-ci\.ya?ml$|(?:^|/)\.gitlab(?:-ci|/ci)/(?:.*/)?[^/]+\.ya?ml$`)
	// componentPath is where the components of a project are.
	componentPath = lazy.Regexp(`(?:^|/)templates/(?:[^/]+|[^/]+/template)\.ya?ml$`)
)

// Match goes by the path. A template is a component if it says what goes into it.
func (Extractor) Match(p string, head []byte) bool {
	if componentPath().MatchString(p) {
		return bytes.Contains(head, []byte("spec:")) && bytes.Contains(head, []byte("$[["))
	}
	return pipelinePath().MatchString(p)
}

// Extract reads one pipeline with all that it includes.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	e := &extraction{fsys: fsys, r: r, root: repository(fsys, p), budget: maxTexts}
	if err := e.pipeline(p, p); err != nil {
		return extract.Result{}, err
	}
	for i := 0; i < len(e.children); i++ {
		c := e.children[i]
		if err := e.pipeline(p, c.path); err != nil {
			r.Problem(c.by, c.at, err.Error())
		}
	}
	return r.Result(p), nil
}

// repository is the folder that local includes start at. That of a file that no
// pipeline is known of is the nearest folder with one.
func repository(fsys fs.FS, p string) string {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if _, err := fs.Stat(fsys, path.Join(dir, ".gitlab-ci.yml")); err == nil {
			return dir
		}
		if dir == "." {
			return dir
		}
	}
}

// An extraction is one file being read with what it includes.
type extraction struct {
	fsys     fs.FS
	r        *yamlrefs.Reader
	root     string  // the repository's folder
	children []child // pipelines that jobs start
	known    map[string]bool
	budget   int // texts that may still be put together
}

// A child is a pipeline that a job starts.
type child struct {
	path string
	by   yamlpos.Node
	at   string
}

// pipeline reads one pipeline; first is the file that was asked for.
func (e *extraction) pipeline(first, p string) error {
	pl := &pipeline{e: e, jobs: map[string]layers{}, used: map[yamlpos.Node]bool{}}
	if err := pl.include(p, nil, nil); err != nil {
		return err
	}
	if p != first {
		e.r.Claim(p)
	}
	pl.read()
	return nil
}

// start notes a pipeline that a job starts.
func (e *extraction) start(p string, by yamlpos.Node, at string) {
	if e.known == nil {
		e.known = map[string]bool{}
	}
	if !e.known[p] {
		e.known[p] = true
		e.children = append(e.children, child{p, by, at})
	}
}

// local is the path of a local include in the tree.
func (e *extraction) local(s string) string {
	return path.Join(e.root, strings.TrimPrefix(s, "/"))
}
