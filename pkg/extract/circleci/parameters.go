package circleci

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A scope is the parameters of one call of a job or executor.
type scope struct {
	declared yamlpos.Node
	given    yamlpos.Node
	giver    *scope                  // whose parameters the given values may name
	matrix   map[string]yamlpos.Node // values of a matrix
	used     []string
}

// names are the words that mention the parameters which were looked up.
func (s *scope) names() []string { return s.used }

// maxJobs is how many jobs a matrix makes at most.
//
// https://docs.circleci.com/configuration-reference/#matrix
const maxJobs = 128

// matrix returns the scopes of one call, which are several with a matrix.
func (e *extraction) matrix(given yamlpos.Node, at string) []*scope {
	out := []*scope{{given: given}}
	for name, values := range given.Get("matrix", "parameters").Fields() {
		var next []*scope
		for _, s := range out {
			for _, v := range values.Items() {
				if len(next) == maxJobs {
					e.r.Limit(values, at, "jobs of a matrix", maxJobs)
					break
				}
				with := map[string]yamlpos.Node{name.String(): v}
				for k, v := range s.matrix {
					with[k] = v
				}
				next = append(next, &scope{given: given, matrix: with})
			}
		}
		if values.IsList() {
			out = next
		}
	}
	return out
}

var parameter = lazy.Regexp(`<<\s*([^<>]*?)\s*>>`)

const (
	// maxNested bounds parameters that name parameters.
	maxNested = 8
	// maxUsed bounds how many are looked up for what one call runs on.
	maxUsed = 1000
)

// text is n with its parameters.
func (e *extraction) text(n yamlpos.Node, s *scope) written.Value { return e.expand(n, s, s, 0) }

func (e *extraction) expand(n yamlpos.Node, s, of *scope, depth int) written.Value {
	t := e.r.Text(n)
	if !strings.Contains(t.String(), "<<") {
		return written.Known(t)
	}
	if depth == maxNested {
		return written.Unknown(t, "its parameters name each other, or too many others")
	}
	return yamlrefs.Substitute(t, parameter(), func(match []string) written.Value {
		name := match[1]
		if p, ok := strings.CutPrefix(name, "pipeline.parameters."); ok {
			return e.value(e.parameters.Get(p, "default"), &scope{}, of, name, depth)
		}
		p, ok := strings.CutPrefix(name, "parameters.")
		if !ok || s == nil {
			return written.Value{Unresolved: fmt.Sprintf("what %q is, is known only when the pipeline runs", name)}
		}
		if v, ok := s.matrix[p]; ok {
			return e.value(v, s.giver, of, name, depth)
		}
		if v := s.given.Get(p); !v.IsZero() {
			return e.value(v, s.giver, of, name, depth)
		}
		return e.value(s.declared.Get(p, "default"), &scope{}, of, name, depth)
	})
}

// value is what a parameter has. of is the scope that the whole text is in.
func (e *extraction) value(v yamlpos.Node, in, of *scope, name string, depth int) written.Value {
	if _, ok := v.Text(); !ok {
		return written.Value{Unresolved: fmt.Sprintf("the parameter %q has no default", name)}
	}
	if len(of.used) > maxUsed {
		return written.Value{Unresolved: "its parameters name each other, or too many others"}
	}
	of.used = append(of.used, name)
	e.r.Via(v)
	return e.expand(v, in, of, depth+1)
}
