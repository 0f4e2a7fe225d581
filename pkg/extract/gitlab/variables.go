package gitlab

import (
	"fmt"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// An environment is the variables of one job of those that a job of the file
// becomes: what its matrix or a rule sets comes first.
type environment []layers

const (
	// maxJobs is how many jobs a parallel matrix makes at most.
	//
	// https://docs.gitlab.com/ci/yaml/#parallelmatrix
	maxJobs = 200
	// maxNested bounds variables that name variables.
	maxNested = 8
	// maxUsed bounds how many are looked up for one text.
	maxUsed = 200
	// maxTexts bounds the texts that are put together for one file.
	maxTexts = 50_000
)

// environments are those that a job can run in.
func (p *pipeline) environments(job layers) []environment {
	base := environment{job.get("variables"), p.root.get("variables")}
	if b, ok := job.get("inherit", "variables").top().n.Bool(); ok && !b {
		base = base[:1]
	}
	out := []environment{base}
	for _, rules := range []layers{job.get("rules"), p.root.get("workflow", "rules")} {
		for _, rule := range rules.top().items() {
			if v := (layers{rule}).get("variables"); v.isMap() {
				out = append(out, append(environment{v}, base...))
			}
		}
	}
	matrix := job.get("parallel", "matrix").top()
	var all []environment
	for _, axes := range matrix.items() {
		some := []layers{nil}
		for _, name := range (layers{axes}).keys() {
			some = p.product(some, axes, name)
		}
		for _, values := range some {
			for _, env := range out {
				all = append(all, append(environment{values}, env...))
			}
		}
	}
	if len(all) > 0 {
		return all
	}
	return out
}

// product combines what is there with each value of one more axis. A value of an
// axis stands as the axis itself would, as a layer of one key.
func (p *pipeline) product(some []layers, axes layer, name string) []layers {
	var out []layers
	for _, s := range some {
		for _, v := range (layers{axes}).get(name).top().oneOrMore() {
			if len(out) == maxJobs {
				p.e.r.Limit(axes.n, axes.at, "jobs of a matrix", maxJobs)
				return out
			}
			v.key = name
			out = append(out, append(s[:len(s):len(s)], v))
		}
	}
	return out
}

// find is the value of a variable.
func (env environment) find(name string) layers {
	for _, l := range env {
		for _, x := range l {
			if x.key == name {
				return layers{x}
			}
		}
		if v := l.get(name); len(v) > 0 {
			return v
		}
	}
	return nil
}

// image adds what an image or service names in each environment.
func (p *pipeline) image(l layers, jobs []environment) {
	if l.isMap() {
		platform := l.get("docker", "platform").top().n.String()
		p.text(l.get("name"), platform, jobs)
		return
	}
	p.text(l, "", jobs)
}

func (p *pipeline) text(l layers, platform string, jobs []environment) {
	l, ok := p.reference(l, 0)
	top := l.top()
	if !ok || top.n.IsZero() {
		return
	}
	s, ok := top.n.Text()
	if !ok {
		p.problem(top, "an image is a text; this is none")
		return
	}
	if !strings.Contains(s, "$") {
		jobs = jobs[:1]
	}
	for _, env := range jobs {
		if p.e.budget--; p.e.budget < 0 {
			if p.e.budget == -1 {
				p.e.r.Limit(top.n, top.at, "texts with variables in a pipeline", maxTexts)
			}
			jobs = nil
		}
		x := expansion{p: p, env: env, active: map[string]bool{}}
		v := x.expand(p.e.r.Text(top.n), top.in, 0)
		if jobs == nil {
			v = written.Unknown(p.e.r.Text(top.n), "the pipeline has too many texts with variables")
		}
		if f := p.e.r.Add(top.n, strings.TrimPrefix(top.at, "."), ref.KindImage, v, x.names...); f != nil && platform != "" {
			if pl, err := ref.ParsePlatform(platform); err == nil {
				f.Platform = pl
			}
		}
		if jobs == nil {
			return
		}
	}
}

// An expansion is of one text.
type expansion struct {
	p      *pipeline
	env    environment
	active map[string]bool // variables that are being expanded
	names  []string
}

// grammar is that of the runner, which expands variables as Go does.
var grammar = written.Grammar{Run: func(word string, lookup func(string) (string, bool)) (string, error) {
	return os.Expand(word, func(name string) string {
		if name == "$" {
			return name
		}
		s, _ := lookup(name)
		return s
	}), nil
}}

func (x *expansion) expand(t written.Text, in *inputs, depth int) written.Value {
	v := x.inputs(t, in, depth)
	if v.Unresolved != "" || !strings.Contains(v.Text.String(), "$") {
		return v
	}
	return grammar.Expand(v.Text, func(name string) (written.Value, bool) { return x.variable(name, depth) })
}

func (x *expansion) variable(name string, depth int) (written.Value, bool) {
	l := x.env.find(name)
	top := l.top()
	if top.n.IsMap() {
		if b, ok := l.get("expand").top().n.Bool(); ok && !b {
			return written.Known(x.p.e.r.Text(l.get("value").top().n)), true
		}
		top = l.get("value").top()
	}
	switch {
	case len(l) == 0 && (strings.HasPrefix(name, "CI_") || strings.HasPrefix(name, "GITLAB_")):
		return written.Value{Unresolved: fmt.Sprintf("GitLab sets $%s when the pipeline runs", name)}, false
	case len(l) == 0:
		return written.Value{Unresolved: fmt.Sprintf("the variable $%s is not set in the files", name)}, false
	case x.active[name] || depth == maxNested || len(x.names) > maxUsed:
		return written.Value{Unresolved: fmt.Sprintf("the variable $%s names itself, or too many others", name)}, false
	case top.n.IsZero():
		return written.Known(written.Text{}), true
	}
	x.names = append(x.names, name)
	x.p.e.r.Via(top.n)
	x.active[name] = true
	defer delete(x.active, name)
	v := x.expand(x.p.e.r.Text(top.n), top.in, depth+1)
	if v.Unresolved != "" {
		// Not its text: that may have grown without bound.
		return written.Value{Unresolved: v.Unresolved}, false
	}
	return v, true
}

// inputs puts the values of $[[ inputs.x ]] into t.
//
// https://docs.gitlab.com/ci/inputs/
func (x *expansion) inputs(t written.Text, in *inputs, depth int) written.Value {
	var out written.Builder
	for {
		s := t.String()
		i := strings.Index(s, "$[[")
		n := 0
		if i >= 0 {
			n = strings.Index(s[i:], "]]")
		}
		if i < 0 || n < 0 || in == nil {
			out.Add(t)
			return written.Known(out.Text())
		}
		name, isInput := strings.CutPrefix(strings.TrimSpace(s[i+3:i+n]), "inputs.")
		v, src := in.find(name)
		switch {
		case !isInput || strings.Contains(name, "|"):
			return written.Unknown(t, "what %q is, is not evaluated", s[i:i+n+2])
		case v.IsZero() || depth == maxNested:
			return written.Unknown(t, "the input %q has no value here", name)
		}
		x.names = append(x.names, "inputs."+name)
		x.p.e.r.Via(v)
		inner := x.inputs(x.p.e.r.Text(v), src, depth+1)
		if inner.Unresolved != "" {
			return written.Unknown(t, "%s", inner.Unresolved)
		}
		out.Add(t.Slice(0, i))
		out.Add(inner.Text)
		t = t.Slice(i+n+2, t.Len())
	}
}

// find is what an input is, and whose inputs its own text may name.
func (in *inputs) find(name string) (yamlpos.Node, *inputs) {
	if v := in.given.Get(name); !v.IsZero() {
		return v, in.givenIn
	}
	return in.declared.Get(name, "default"), nil
}
