// Package drone finds the images that pipelines of Drone and Woodpecker run: of
// steps, services and clones.
//
// https://docs.drone.io/pipeline/docker/overview/ and
// https://woodpecker-ci.org/docs/usage/workflow-syntax
package drone

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads pipelines.
type Extractor struct{}

var pipelinePath = lazy.Regexp(`(?:^|/)\.(?:drone|woodpecker)\.ya?ml$|(?:^|/)\.woodpecker/(?:.*/)?[^/]+\.ya?ml$`)

// Match goes by the path.
func (Extractor) Match(p string, _ []byte) bool { return pipelinePath().MatchString(p) }

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	for _, root := range f.Roots() {
		e := &extraction{r: r, matrix: root.Get("matrix"), woodpecker: !strings.Contains(p, ".drone.")}
		// "pipeline" is what Woodpecker called steps once.
		for _, key := range []string{"steps", "pipeline", "services", "clone"} {
			e.steps(root.Get(key), key)
		}
	}
	return r.Result(p), nil
}

type extraction struct {
	r          *yamlrefs.Reader
	matrix     yamlpos.Node
	woodpecker bool
}

// steps are a list, or a mapping of names.
func (e *extraction) steps(n yamlpos.Node, at string) {
	for i, step := range n.Items() {
		e.image(step.Get("image"), fmt.Sprintf("%s[%d].image", at, i))
	}
	for name, step := range n.Fields() {
		e.image(step.Get("image"), at+"."+name.String()+".image")
	}
}

func (e *extraction) image(n yamlpos.Node, at string) {
	if n.IsZero() {
		return
	}
	if _, ok := n.Text(); !ok {
		e.r.Problem(n, at, "an image is a text; this is none")
		return
	}
	jobs := []map[string]yamlpos.Node{{}}
	if e.woodpecker && strings.Contains(n.String(), "$") {
		jobs = e.jobs(n, at)
	}
	for _, job := range jobs {
		var names []string
		v := written.Known(e.r.Text(n))
		if e.woodpecker {
			v = yamlrefs.Substitute(v.Text, variable(), func(match []string) written.Value {
				name := match[1] + match[2]
				x := job[name]
				if _, ok := x.Text(); !ok {
					return written.Value{Unresolved: fmt.Sprintf("what %q is, is known only when the pipeline runs", match[0])}
				}
				names = append(names, name)
				return written.Known(e.r.Text(x))
			})
		} else if strings.Contains(n.String(), "$") {
			v = written.Unknown(v.Text, "its variables are known only when the pipeline runs")
		}
		e.r.Add(n, at, ref.KindImage, v, names...)
	}
}

// variable is what Woodpecker puts into a pipeline; with an operator it is not
// evaluated.
var variable = lazy.Regexp(`\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// maxJobs bounds the jobs of a matrix.
const maxJobs = 256

// jobs are the values of a matrix that each job has: of the variables that n
// names, since no others matter here.
func (e *extraction) jobs(n yamlpos.Node, at string) []map[string]yamlpos.Node {
	var out []map[string]yamlpos.Node
	for _, x := range e.matrix.Get("include").Items() {
		job := map[string]yamlpos.Node{}
		for k, v := range x.Fields() {
			job[k.String()] = v
		}
		out = append(out, job)
	}
	if out != nil {
		return out
	}
	out = []map[string]yamlpos.Node{{}}
	for k, axis := range e.matrix.Fields() {
		name := k.String()
		if !axis.IsList() || name == "" || !strings.Contains(n.String(), name) {
			continue
		}
		var next []map[string]yamlpos.Node
		for _, job := range out {
			for _, v := range axis.Items() {
				if len(next) == maxJobs {
					e.r.Limit(n, at, "jobs of a matrix", maxJobs)
					break
				}
				with := maps.Clone(job)
				with[name] = v
				next = append(next, with)
			}
		}
		out = next
	}
	return out
}
