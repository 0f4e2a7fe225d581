// Package actions finds what GitHub Actions run, in workflows and in the metadata
// of actions: job containers, services, docker:// steps, and the actions
// themselves. Forgejo's and Gitea's workflows are of the same form.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
package actions

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

// An Extractor reads workflows and the metadata of actions.
type Extractor struct{}

var workflowPath = lazy.Regexp(`(?:^|/)\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml$`)

// Match goes by the path. A file named action.yml has to look like one.
func (Extractor) Match(p string, head []byte) bool {
	if workflowPath().MatchString(p) {
		return true
	}
	return metadata(p) && (bytes.Contains(head, []byte("runs")) || len(head) >= extract.HeadSize || yamlpos.UTF16(head))
}

func metadata(p string) bool {
	base := path.Base(p)
	return base == "action.yml" || base == "action.yaml"
}

// Extract reads one file. Local actions and workflows that it uses are files of
// their own.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	e := &extraction{r: r, file: f, root: repository(p), budget: maxAllSteps, known: map[yamlpos.Node]map[string]entry{}, parsed: map[string]parsed{}}
	if metadata(p) && !workflowPath().MatchString(p) {
		e.metadata(f.Root())
	} else {
		e.workflow(f.Root())
	}
	return r.Result(p), nil
}

// repository is the folder that a workflow's local paths start at.
func repository(p string) string {
	i := workflowPath().FindStringIndex(p)
	if i == nil {
		return "."
	}
	return path.Clean("./" + strings.TrimSuffix(p[:i[0]], "/"))
}

// An extraction is one file being read.
type extraction struct {
	r    *yamlrefs.Reader
	file *yamlrefs.File
	root string // the repository's folder

	known  map[yamlpos.Node]map[string]entry
	parsed map[string]parsed
	budget int // steps that are left for expressions
}
