package actions

import (
	"fmt"
	"path"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

func (e *extraction) workflow(root yamlpos.Node) {
	if root.IsZero() {
		return
	}
	jobs := root.Get("jobs")
	if !jobs.IsMap() {
		e.r.Problem(root, "jobs", "a workflow has jobs; there are none to read here")
		return
	}
	top := contexts{env: []yamlpos.Node{root.Get("env")}, inputs: workflowInputs(root)}
	for name, job := range jobs.Fields() {
		at := "jobs." + name.String()
		c := top
		c.env = append([]yamlpos.Node{job.Get("env")}, top.env...)
		c.combinations = e.matrix(job.Get("strategy", "matrix"), at+".strategy.matrix")
		e.container(job.Get("container"), at+".container", c)
		services := job.Get("services")
		for service, n := range services.Fields() {
			e.container(n, at+".services."+service.String(), c)
		}
		if s, ok := services.Text(); ok {
			e.r.Problem(services, at+".services", fmt.Sprintf("the services are what %q says, which is not evaluated", s))
		}
		e.uses(job.Get("uses"), at+".uses", c)
		e.called(job, at, c)
		c.checkouts = checkouts(job.Get("steps"))
		e.steps(job.Get("steps"), at+".steps", c)
	}
}

// workflowInputs are the declarations of inputs, of whoever starts the workflow.
func workflowInputs(root yamlpos.Node) []yamlpos.Node {
	on := root.Get("on")
	return []yamlpos.Node{on.Get("workflow_call", "inputs"), on.Get("workflow_dispatch", "inputs")}
}

// container reads a job's container or a service: an image, or a mapping with
// one.
func (e *extraction) container(n yamlpos.Node, at string, c contexts) {
	if n.IsMap() {
		n, at = n.Get("image"), at+".image"
	}
	if n.IsZero() {
		return
	}
	if _, ok := n.Text(); !ok {
		if c.giver == nil {
			e.r.Problem(n, at, "an image is a text; this is none")
		}
		return
	}
	e.image(n, at, c, 0)
}

// nested is the skip of an image in a mapping that an expression names, which can
// name no further ones.
const nested = -1

// image adds what n means with each combination of the matrix. The first skip
// bytes are a prefix.
func (e *extraction) image(n yamlpos.Node, at string, c contexts, skip int) {
	for _, x := range e.evaluate(n, at, c) {
		if c.giver != nil && !x.given {
			continue
		}
		if image := get(x.object, "image"); skip == 0 && !image.IsZero() {
			e.image(image, at+".image", c, nested)
			continue
		}
		if skip > 0 {
			x.Text = x.Text.Slice(min(skip, x.Text.Len()), x.Text.Len())
		} else if x.Text.Len() > len(dockerScheme) && x.Text.String()[:len(dockerScheme)] == dockerScheme {
			x.Text = x.Text.Slice(len(dockerScheme), x.Text.Len())
		}
		x.Text = x.Text.Trim()
		if x.Unresolved == "" && x.Text.Len() == 0 {
			continue // no container, in this combination
		}
		e.r.Add(n, at, ref.KindImage, x.Value, x.names...)
	}
}

func (e *extraction) steps(steps yamlpos.Node, at string, c contexts) {
	for i, step := range steps.Items() {
		c := c
		c.env = append([]yamlpos.Node{step.Get("env")}, c.env...)
		e.uses(step.Get("uses"), fmt.Sprintf("%s[%d].uses", at, i), c)
	}
}

// metadata reads what action.yml says that the action runs.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
func (e *extraction) metadata(root yamlpos.Node) {
	runs := root.Get("runs")
	c := contexts{inputs: []yamlpos.Node{root.Get("inputs")}, combinations: []combination{{}}}
	e.steps(runs.Get("steps"), "runs.steps", c)
	image := runs.Get("image")
	s, ok := image.Text()
	switch {
	case image.IsZero():
	case !ok:
		e.r.Problem(image, "runs.image", "an image is a text; this is none")
	case len(s) >= len(dockerScheme) && s[:len(dockerScheme)] == dockerScheme:
		e.image(image, "runs.image", c, len(dockerScheme))
	case !e.r.Exists(path.Join(path.Dir(e.file.Path), s)):
		e.r.Add(image, "runs.image", ref.KindImage, written.Unknown(e.r.Text(image), "%q is neither a Dockerfile that is here nor docker:// and an image", s))
	}
}
