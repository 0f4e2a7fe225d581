package gitlab

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A layer is a value of one place of those that are merged.
type layer struct {
	n   yamlpos.Node
	at  string // its path in its document
	in  *inputs
	key string // of a value of a matrix, the variable that it is of
}

// Layers are values that are merged, the one that counts most first. Mappings
// are merged key by key; all else replaces what is below it.
//
// https://docs.gitlab.com/ci/yaml/includes/#merge-method-for-include
type layers []layer

var nothing yamlpos.Node

// get is what the merged mapping has at a path of keys.
func (l layers) get(path ...string) layers {
	for _, key := range path {
		l = l.one(key)
	}
	return l
}

func (l layers) one(key string) layers {
	var out layers
	for _, x := range l {
		if !x.n.IsMap() {
			break
		}
		v := x.n.Get(key)
		if v == nothing {
			continue
		}
		out = append(out, layer{n: v, at: x.at + "." + key, in: x.in})
		if !v.IsMap() {
			break
		}
	}
	return out
}

// top is the value itself, if it is no mapping that is merged further.
func (l layers) top() layer {
	if len(l) == 0 {
		return layer{}
	}
	return l[0]
}

func (l layers) isMap() bool { return l.top().n.IsMap() }

// keys are those of the merged mapping.
func (l layers) keys() []string {
	var out []string
	seen := map[string]bool{}
	for _, x := range l {
		for k := range x.n.Fields() {
			if s := k.String(); !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// items are those of a list.
func (l layer) items() []layer {
	var out []layer
	for i, v := range l.n.Items() {
		out = append(out, layer{n: v, at: fmt.Sprintf("%s[%d]", l.at, i), in: l.in})
	}
	return out
}

// oneOrMore are the items of a list, or the one value that stands for one.
func (l layer) oneOrMore() []layer {
	switch {
	case l.n.IsList():
		return l.items()
	case l.n.IsZero():
		return nil
	}
	return []layer{l}
}

// maxChain is how deep extends and references go at most.
//
// https://docs.gitlab.com/ci/yaml/#extends
const maxChain = 11

// extended is a job with what it extends. chain are the jobs that led here.
func (p *pipeline) extended(name string, chain []string) layers {
	job := p.jobs[name]
	out := append(layers(nil), job...)
	for _, c := range chain {
		if c == name {
			p.problem(job.top(), fmt.Sprintf("the job %q extends itself", name))
			return nil
		}
	}
	if len(chain) == maxChain {
		p.problem(job.top(), fmt.Sprintf("the job %q is extended over more than %d others", name, maxChain))
		return nil
	}
	bases := job.get("extends").top().oneOrMore()
	for i := len(bases) - 1; i >= 0; i-- {
		base, _ := bases[i].n.Text()
		if p.jobs[base] == nil {
			p.problem(bases[i], fmt.Sprintf("the job %q extends %q, which is not here", name, base))
			continue
		}
		if p.budget--; p.budget < 0 {
			return out
		}
		out = append(out, p.extended(base, append(chain[:len(chain):len(chain)], name))...)
	}
	return out
}

// reference follows !reference [job, key, ...]; ok is false if l is none.
func (p *pipeline) reference(l layers, depth int) (layers, bool) {
	top := l.top()
	if !top.n.IsList() || !strings.HasPrefix(top.n.Source(), "!reference") {
		return l, true
	}
	var path []string
	for _, n := range top.n.Items() {
		path = append(path, n.String())
	}
	if len(path) < 2 || depth == maxChain {
		p.problem(top, "the reference leads nowhere: it needs a job and a key, and not itself")
		return nil, false
	}
	to := p.topLevel(path[0])
	for _, key := range path[1:] {
		to = to.get(key)
	}
	if len(to) == 0 {
		p.problem(top, fmt.Sprintf("the reference to %s leads nowhere", strings.Join(path, ".")))
		return nil, false
	}
	return p.reference(to, depth+1)
}

func (p *pipeline) topLevel(name string) layers {
	if l := p.jobs[name]; l != nil {
		return p.extended(name, nil)
	}
	return p.root.get(name)
}

// problem tells of one once.
func (p *pipeline) problem(l layer, why string) {
	if key := l.at + "\x00" + why; l.n != nothing && !p.told[key] {
		if p.told == nil {
			p.told = map[string]bool{}
		}
		p.told[key] = true
		p.e.r.Problem(l.n, strings.TrimPrefix(l.at, "."), why)
	}
}
