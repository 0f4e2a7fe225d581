package azurepipelines

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A scope is what values can name at a place.
type scope struct {
	declared yamlpos.Node // parameters
	given    yamlpos.Node
	giver    *scope // whose parameters and variables the given values may name
	file     string
	chain    []string // the files that led here

	variables []yamlpos.Node // the innermost first
	jobs      []yamlpos.Node // of a matrix: the variables of each
}

// within is the scope of what is in the mapping n.
func (s *scope) within(n yamlpos.Node) *scope {
	variables, matrix := n.Get("variables"), n.Get("strategy", "matrix")
	if variables.IsZero() && !matrix.IsMap() {
		return s
	}
	out := *s
	if !variables.IsZero() {
		out.variables = append([]yamlpos.Node{variables}, s.variables...)
	}
	if matrix.IsMap() {
		out.jobs = nil
		for _, job := range matrix.Fields() {
			if job.IsMap() && len(out.jobs) < maxJobs {
				out.jobs = append(out.jobs, job)
			}
		}
	}
	return &out
}

// A value is one that a text can have.
type value struct {
	written.Value
	names []string // words that mention the variables in it
}

// expression is a template expression, a macro or a runtime expression.
//
// https://learn.microsoft.com/azure/devops/pipelines/process/variables
var expression = lazy.Regexp(`\$\{\{\s*(.*?)\s*\}\}|\$\(([^()]*)\)|\$\[\s*(.*?)\s*\]($|[^\]])`)

// name is a path of two names: parameters.image, variables['image'].
var name = lazy.Regexp(`^(parameters|variables)(?:\.([\w.-]+)|\['([^']+)'\])$`)

const (
	maxNested = 8   // values that name values
	maxUsed   = 200 // values that are looked up for one text
)

// values are what n can be, in each job of a matrix.
func (e *extraction) values(n yamlpos.Node, s *scope) []value {
	jobs := s.jobs
	if len(jobs) == 0 || !strings.Contains(n.String(), "$") {
		jobs = []yamlpos.Node{{}}
	}
	var out []value
	for _, job := range jobs {
		if e.budget--; e.budget < 0 {
			return append(out, value{Value: written.Unknown(e.r.Text(n), "the pipeline has too many values")})
		}
		x := expansion{e: e, job: job}
		v := x.text(n, s, 0)
		out = append(out, value{v, x.names})
	}
	return out
}

// An expansion is of one text in one job.
type expansion struct {
	e     *extraction
	job   yamlpos.Node
	names []string
	used  int
}

func (x *expansion) text(n yamlpos.Node, s *scope, depth int) written.Value {
	t := x.e.r.Text(n)
	if !strings.Contains(t.String(), "$") {
		return written.Known(t)
	}
	if x.used++; depth == maxNested || x.used > maxUsed {
		return written.Unknown(t, "its values name each other, or too many others")
	}
	return yamlrefs.Substitute(t, expression(), func(match []string) written.Value {
		expr := match[1] + match[3]
		if match[2] != "" {
			expr = "variables." + match[2]
		}
		m := name().FindStringSubmatch(expr)
		if m == nil || match[4] != "" {
			return written.Value{Unresolved: fmt.Sprintf("what %q is, is not evaluated", match[0])}
		}
		return x.named(m[1], m[2]+m[3], s, depth)
	})
}

func (x *expansion) named(context, key string, s *scope, depth int) written.Value {
	v, of := x.parameter(s, key)
	if context == "variables" {
		if v, of = x.job.Get(key), s; v.IsZero() {
			v = x.variable(s, key)
		}
	}
	if _, ok := v.Text(); !ok {
		if context == "parameters" {
			return written.Value{Unresolved: fmt.Sprintf("the parameter %q has no value here", key)}
		}
		return written.Value{Unresolved: fmt.Sprintf("the variable %q is not set in the files", key)}
	}
	x.names = append(x.names, key)
	x.e.r.Via(v)
	return x.text(v, of, depth+1)
}

// parameter is the value that one is given, or its default, and whose parameters
// that may name.
func (x *expansion) parameter(s *scope, key string) (yamlpos.Node, *scope) {
	if v := s.given.Get(key); !v.IsZero() && s.giver != nil {
		return v, s.giver
	}
	if v := s.declared.Get(key); !v.IsZero() {
		return v, s
	}
	for _, p := range s.declared.Items() {
		if name := p.Get("name"); name.String() == key {
			x.e.r.Via(name)
			return p.Get("default"), s
		}
	}
	return yamlpos.Node{}, s
}

func (x *expansion) variable(s *scope, key string) yamlpos.Node {
	for _, variables := range s.variables {
		if v := variables.Get(key); !v.IsZero() {
			return v
		}
		for _, v := range variables.Items() {
			if name := v.Get("name"); name.String() == key {
				x.e.r.Via(name)
				return v.Get("value")
			}
		}
	}
	return yamlpos.Node{}
}
