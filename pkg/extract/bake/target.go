package bake

import (
	"fmt"
	"sort"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A built is a target with all that it inherits.
type built struct {
	name string
	in   scope
	// layers are its own attributes and those of what it inherits; the first that
	// has a key counts, and mappings are put over each other.
	layers []*targetDef
}

// Bounds of what one file can ask for.
const (
	maxTargets = 1000 // of matrices
	maxInherit = 64
)

// all finds what each target is built on.
func (r *reader) all() {
	inherited := map[string]bool{}
	for name, t := range r.targets {
		for _, e := range r.eval.list(t.attrs["inherits"], nil) {
			if parent := e.value.Text.String(); parent != name {
				inherited[parent] = true
			}
		}
	}
	for _, name := range r.order {
		t := r.targets[name]
		for _, in := range r.matrix(t) {
			b := built{name: name, in: in}
			r.inherit(&b, t, map[string]bool{})
			// What others inherit may be no build of its own: no Dockerfile is missed then.
			r.target(b, !inherited[name] || r.grouped[name])
		}
	}
}

// inherit adds t and what it inherits; the last one that it names comes first.
func (r *reader) inherit(b *built, t *targetDef, active map[string]bool) {
	b.layers = append(b.layers, t)
	active[t.name] = true
	defer delete(active, t.name)
	parents := r.eval.list(t.attrs["inherits"], b.in)
	for i := len(parents) - 1; i >= 0; i-- {
		p := parents[i]
		name := p.value.Text.String()
		parent := r.targets[name]
		var err error
		switch {
		case p.value.Unresolved != "":
			err = fmt.Errorf("what %q inherits is not known: %s", t.name, p.value.Unresolved)
		case parent == nil && strings.HasPrefix(name, "docker-metadata-action"):
			// A CI action makes it, with tags and labels alone.
		case parent == nil:
			err = fmt.Errorf("there is no target %q to inherit", name)
		case active[name]:
			err = fmt.Errorf("the target %q inherits itself", name)
		case len(b.layers) >= maxInherit:
			err = &limits.ExceededError{What: "targets that one inherits", Limit: maxInherit}
		default:
			r.inherit(b, parent, active)
		}
		if err != nil {
			r.once(p.expr, err)
		}
	}
}

// once is a problem that targets of a matrix have together.
func (r *reader) once(x expression, err error) {
	at := x.origin()
	if r.seen[at] == err.Error() {
		return
	}
	r.seen[at] = err.Error()
	r.problem(at, err)
}

// matrix returns the variables of each target that t stands for. Of one that is
// not known there is one with unknown variables.
func (r *reader) matrix(t *targetDef) []scope {
	m, ok := t.attrs["matrix"]
	if !ok {
		return []scope{nil}
	}
	axes := r.eval.object(m, nil)
	sort.SliceStable(axes, func(i, j int) bool { return axes[i].name < axes[j].name })
	out := []scope{{}}
	for _, axis := range axes {
		values := r.eval.list(axis.expr, nil)
		if axis.expr == m { // made by a function as a whole
			values = []element{axis}
		}
		if len(values) == 0 {
			return nil
		}
		if r.made += len(out) * len(values); r.made > maxTargets {
			r.once(m, &limits.ExceededError{What: "targets of matrices", Limit: maxTargets})
			return nil
		}
		var next []scope
		for _, s := range out {
			for _, v := range values {
				in := scope{}
				for k, x := range s {
					in[k] = x
				}
				in[axis.name] = known(v.value, axis.name)
				next = append(next, in)
			}
		}
		out = next
	}
	return out
}

func known(v written.Value, name string) written.Value {
	if v.Unresolved != "" {
		return written.Unknown(written.Made("${"+name+"}"), "%s of the matrix: %s", name, v.Unresolved)
	}
	return v
}

// attr returns the first expression of a key.
func (b built) attr(key string) (expression, bool) {
	for _, l := range b.layers {
		if x, ok := l.attrs[key]; ok {
			return x, true
		}
	}
	return expression{}, false
}
