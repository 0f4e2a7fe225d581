package actions

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// callSteps is what a call costs of the steps that a file has.
const callSteps = 20

// called reads the workflow of this repository that a job calls, for what the
// job's inputs say in it. All else of it is found when it is read itself.
func (e *extraction) called(job yamlpos.Node, at string, c contexts) {
	s, with := job.Get("uses").String(), job.Get("with")
	local := strings.HasPrefix(s, "./") || strings.HasPrefix(s, "$/")
	if !local || !with.IsMap() {
		return
	}
	p := path.Join(e.root, strings.TrimPrefix(s, "$/"))
	if !e.r.Exists(p) {
		return
	}
	chain := c.chain
	if len(chain) == 0 {
		chain = []string{e.file.Path}
	}
	if slices.Contains(chain, p) {
		e.r.Problem(job.Get("uses"), at+".uses", fmt.Sprintf("the workflow %q calls itself", p))
		return
	}
	if e.budget -= callSteps; e.budget <= 0 {
		e.r.Limit(job, at, "values that the expressions of a file name", maxAllSteps)
		return
	}
	f, err := e.r.Open(p)
	if err != nil {
		return // it is told of when it is read itself
	}
	root := f.Root()
	for name, j := range root.Get("jobs").Fields() {
		in := contexts{
			env: []yamlpos.Node{j.Get("env"), root.Get("env")}, inputs: workflowInputs(root), given: with, giver: &c,
			chain: append(chain[:len(chain):len(chain)], p),
		}
		at := "jobs." + name.String()
		in.combinations = e.matrix(j.Get("strategy", "matrix"), at+".strategy.matrix")
		e.container(j.Get("container"), at+".container", in)
		for service, n := range j.Get("services").Fields() {
			e.container(n, at+".services."+service.String(), in)
		}
		e.called(j, at, in)
	}
}
