package gitlab

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A pipeline is the files that make one, merged.
type pipeline struct {
	e        *extraction
	root     layers
	jobs     map[string]layers
	includes int
	budget   int
	used     map[yamlpos.Node]bool // images that a job runs
	told     map[string]bool
}

// reserved are the keys that are no jobs.
var reserved = map[string]bool{
	"default": true, "include": true, "stages": true, "types": true, "variables": true, "workflow": true, "image": true, "services": true,
	"cache": true, "before_script": true, "after_script": true, "spec": true,
}

// read finds the images of all jobs, then those that are in none.
func (p *pipeline) read() {
	var names []string
	for _, name := range p.root.keys() {
		if l := p.root.get(name); !reserved[name] && l.isMap() {
			p.jobs[name] = l
			names = append(names, name)
		}
	}
	p.budget = 64 * (len(names) + 1)
	fallback := append(layers{}, p.root.get("default")...)
	fallback = append(fallback, p.root...)
	for _, name := range names {
		if !strings.HasPrefix(name, ".") {
			p.job(p.extended(name, nil), fallback)
		}
	}
	// What no job runs as it is written is written all the same.
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			p.unused(p.extended(name, nil))
		}
	}
	p.unused(p.root.get("default"))
	p.unused(p.root)
	if p.budget < 0 {
		p.e.r.Limit(p.root.top().n, "", "jobs that jobs of a pipeline extend", 64*(len(names)+1))
	}
}

func (p *pipeline) job(job, fallback layers) {
	p.trigger(job.get("trigger", "include"))
	jobs := p.environments(job)
	for _, key := range []string{"image", "services"} {
		l := job.get(key)
		if len(l) == 0 && p.inherits(job, key) {
			l = fallback.get(key)
		}
		p.images(key, l, jobs)
	}
}

// inherits reports whether a job takes the default of key.
//
// https://docs.gitlab.com/ci/yaml/#inheritdefault
func (p *pipeline) inherits(job layers, key string) bool {
	l := job.get("inherit", "default").top()
	if b, ok := l.n.Bool(); ok {
		return b
	}
	if !l.n.IsList() {
		return true
	}
	for _, x := range l.items() {
		if x.n.String() == key {
			return true
		}
	}
	return false
}

// unused reads the images of a mapping that no job runs.
func (p *pipeline) unused(l layers) {
	if len(l) == 0 {
		return
	}
	jobs := p.environments(l)
	for _, key := range []string{"image", "services"} {
		for _, x := range l {
			if v := (layers{x}).get(key); len(v) > 0 && !p.used[v.top().n] {
				p.images(key, v, jobs)
			}
		}
	}
}

// images reads an image, or services.
func (p *pipeline) images(key string, l layers, jobs []environment) {
	if len(l) == 0 {
		return
	}
	p.mark(l)
	l, ok := p.reference(l, 0)
	if !ok || l.top().n.IsZero() {
		return
	}
	p.mark(l)
	if key == "image" {
		p.image(l, jobs)
		return
	}
	p.services(l.top(), jobs, 0)
}

// mark says that a job runs what is written in l.
func (p *pipeline) mark(l layers) {
	for _, x := range l {
		p.used[x.n] = true
	}
}

// services are a list, in which references put further lists.
func (p *pipeline) services(l layer, jobs []environment, depth int) {
	if !l.n.IsList() {
		p.problem(l, "services are a list; this is none")
		return
	}
	for _, x := range l.items() {
		to, ok := p.reference(layers{x}, depth)
		switch {
		case !ok:
		case to.top().n.IsList() && depth < maxChain:
			p.services(to.top(), jobs, depth+1)
		default:
			p.image(to, jobs)
		}
	}
}

// trigger notes the pipelines that a job starts.
func (p *pipeline) trigger(l layers) {
	for _, x := range l.top().oneOrMore() {
		local, is := x.n, "local"
		if x.n.IsMap() {
			local = x.n.Get("local")
		}
		s, ok := local.Text()
		switch {
		case x.n.IsMap() && local.IsZero(), strings.Contains(s, "://"):
			for _, is = range []string{"artifact", "project", "remote", "template", "component", "file"} {
				if n := x.n.Get(is); !n.IsZero() {
					p.elsewhere(x, n, "the pipeline that "+is+" "+n.String()+" has is not here")
					break
				}
			}
		case !ok || strings.Contains(s, "$") || !p.e.r.Exists(p.e.local(s)):
			p.elsewhere(x, x.n, "the pipeline "+s+" is not here")
		default:
			p.e.start(p.e.local(s), x.n, x.at)
		}
	}
}
