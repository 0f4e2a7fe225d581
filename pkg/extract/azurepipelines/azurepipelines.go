// Package azurepipelines finds what Azure Pipelines run on: the containers of
// resources, jobs and services, and the images of hosted agents, over local
// templates.
//
// https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/
package azurepipelines

import (
	"io/fs"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// An Extractor reads pipelines. It stands for the templates that they use.
type Extractor struct{}

var pipelinePath = lazy.Regexp(`(?i)(?:^|[/._-])azure-?pipelines?(?:[._-][^/]*)?\.ya?ml$|(?:^|/)\.?(?:azure-pipelines|azuredevops|pipelines|vsts-ci)/(?:.*/)?[^/]+\.ya?ml$`)

// words are keys that pipelines and templates begin with.
var words = lazy.Regexp(`(?m)^(?:trigger|pr|pool|stages|jobs|steps|resources|extends|parameters|variables|schedules|strategy|container|services)[ \t]*:`)

// Match goes by the path, and by the words that a pipeline begins with.
func (Extractor) Match(p string, head []byte) bool {
	return pipelinePath().MatchString(p) && (words().Match(head) || yamlpos.UTF16(head))
}

// Extract reads one pipeline with the templates that it uses.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	e := &extraction{r: r, fsys: fsys, aliases: map[string]bool{}, budget: maxValues}
	for _, root := range f.Roots() {
		e.alias(root)
		e.whole = e.whole || pipeline(root)
	}
	for _, root := range f.Roots() {
		e.walk(root, "", &scope{declared: root.Get("parameters"), file: p, chain: []string{p}}, 0)
	}
	return r.Result(p), nil
}

// pipeline reports whether a file is started by itself, not a template alone.
func pipeline(root yamlpos.Node) bool {
	for _, key := range []string{"trigger", "pr", "pool", "resources", "schedules"} {
		if v := root.Get(key); v != (yamlpos.Node{}) {
			return true
		}
	}
	return root.Get("parameters").IsZero()
}

// maxValues bounds what is read of a pipeline, its templates each time that they
// are used.
const maxValues = 200_000

// An extraction is one pipeline being read.
type extraction struct {
	r       *yamlrefs.Reader
	fsys    fs.FS
	aliases map[string]bool // names of container resources
	whole   bool            // all of the pipeline's resources are known
	budget  int
}

// alias notes the names of the containers that a file declares.
func (e *extraction) alias(root yamlpos.Node) {
	for _, c := range root.Get("resources", "containers").Items() {
		if s := c.Get("container").String(); s != "" {
			e.aliases[s] = true
		}
	}
}

// template is the path of a local template that the file at by names.
func template(by, s string) string {
	s, _ = strings.CutSuffix(s, "@self")
	if rooted, ok := strings.CutPrefix(s, "/"); ok {
		return path.Clean(rooted)
	}
	return path.Join(path.Dir(by), s)
}
