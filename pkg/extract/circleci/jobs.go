package circleci

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// workflows notes how jobs are called.
func (e *extraction) workflows(n yamlpos.Node) {
	for name, w := range n.Fields() {
		for i, item := range w.Get("jobs").Items() {
			at := fmt.Sprintf("workflows.%s.jobs[%d]", name.String(), i)
			if s, ok := item.Text(); ok {
				e.call(s, &scope{}, item, at)
			}
			for job, given := range item.Fields() {
				for _, s := range e.matrix(given, at) {
					e.call(job.String(), s, job, at)
				}
			}
		}
	}
}

func (e *extraction) call(job string, s *scope, n yamlpos.Node, at string) {
	if e.calls[job] == nil {
		e.order = append(e.order, call{job, n, at})
	}
	e.calls[job] = append(e.calls[job], s)
}

// config reads jobs and executors. prefix is what their names begin with.
func (e *extraction) config(root yamlpos.Node, at, prefix string) {
	executors := root.Get("executors")
	used := map[string]bool{}
	for name, job := range root.Get("jobs").Fields() {
		calls := e.calls[prefix+name.String()]
		delete(e.calls, prefix+name.String())
		if len(calls) == 0 {
			calls = []*scope{{}}
		}
		for _, c := range calls {
			if !e.spend(job, at) {
				return
			}
			s := *c
			s.declared = job.Get("parameters")
			e.environment(job, at+"jobs."+name.String(), &s)
			e.executor(executors, job.Get("executor"), at, "jobs."+name.String(), &s, used)
		}
	}
	for name, x := range executors.Fields() {
		if !used[name.String()] {
			e.environment(x, at+"executors."+name.String(), &scope{declared: x.Get("parameters")})
		}
	}
}

// executor reads the one that a job names, with the parameters that it gives.
func (e *extraction) executor(executors, n yamlpos.Node, at, by string, giver *scope, used map[string]bool) {
	name, given := n, yamlpos.Node{}
	if n.IsMap() {
		name, given = n.Get("name"), n
	}
	if name.IsZero() {
		return
	}
	v := e.text(name, giver)
	s := v.Text.String()
	x := executors.Get(s)
	switch {
	case v.Unresolved != "":
		e.r.Add(name, at+by+".executor", ref.KindImage, v)
	case x.IsZero() && strings.Contains(s, "/"):
		e.r.Add(name, at+by+".executor", ref.KindImage, written.Unknown(v.Text, "the executor %q is an orb's, which is not here", s))
	case x.IsZero():
		e.r.Problem(name, at+by+".executor", fmt.Sprintf("there is no executor %q here", s))
	default:
		used[s] = true
		e.environment(x, at+"executors."+s, &scope{declared: x.Get("parameters"), given: given, giver: giver})
	}
}

// missing names the jobs of orbs that are not here.
func (e *extraction) missing(root yamlpos.Node) {
	for _, c := range e.order {
		orb, _, ok := strings.Cut(c.job, "/")
		if e.calls[c.job] == nil || !ok || root.Get("orbs", orb).IsMap() {
			continue
		}
		e.r.Add(c.n, c.at, ref.KindImage, written.Unknown(e.r.Text(c.n), "the job %q is an orb's, which is not here", c.job))
	}
}

// environment reads what a job or executor runs on.
func (e *extraction) environment(n yamlpos.Node, at string, s *scope) {
	docker := n.Get("docker")
	if !docker.IsZero() && !docker.IsList() {
		e.r.Problem(docker, at+".docker", "docker is a list of images; this is none")
	}
	for i, item := range docker.Items() {
		e.image(item.Get("image"), fmt.Sprintf("%s.docker[%d].image", at, i), ref.KindImage, s)
	}
	machine := n.Get("machine")
	if b, ok := machine.Bool(); ok && !b {
		return
	}
	if machine.IsMap() {
		machine, at = machine.Get("image"), at+".image"
	}
	e.image(machine, at+".machine", ref.KindMachineImage, s)
}

func (e *extraction) image(n yamlpos.Node, at string, kind ref.Kind, s *scope) {
	if n.IsZero() {
		return
	}
	if _, ok := n.Text(); !ok {
		e.r.Problem(n, at, "an image is a text; this is none")
		return
	}
	f := e.r.Add(n, at, kind, e.text(n, s), s.names()...)
	if f == nil || kind != ref.KindMachineImage || f.Unresolved != "" {
		return
	}
	// "default", true and a tag such as current move with each release.
	_, tag, _ := strings.Cut(f.Raw, ":")
	if f.Class = ref.ClassOf(tag); f.Class == "" {
		f.Class = ref.Floating
	}
}
