package actions

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A combination is what one job of a matrix has. The zero value is that of a job
// without one.
type combination struct {
	values map[string]yamlpos.Node // by names in lower case
	// unresolved says why values that are missing are not known; "" = there are none.
	unresolved string
}

// maxCombinations is how many jobs a matrix makes at most.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
const maxCombinations = 256

// matrix returns the combinations of a strategy's matrix, as GitHub makes them.
func (e *extraction) matrix(n yamlpos.Node, at string) []combination {
	if n.IsZero() {
		return []combination{{}}
	}
	if s, ok := n.Text(); ok {
		return []combination{{unresolved: fmt.Sprintf("the matrix is what %q says, which is not evaluated", s)}}
	}
	all := []combination{{}}
	axes := map[string]bool{}
	var include, exclude yamlpos.Node
	for k, v := range n.Fields() {
		switch name := strings.ToLower(k.String()); {
		case name == "include":
			include = v
		case name == "exclude":
			exclude = v
		case v.IsList():
			axes[name] = true
			all = e.product(n, at, all, name, v)
		default:
			axes[name] = true
			reason := fmt.Sprintf("the values of matrix.%s are what %q says, which is not evaluated", k.String(), v.String())
			for i := range all {
				all[i].unresolved = reason
			}
		}
	}
	all = without(all, exclude)
	return e.included(n, at, all, include, axes)
}

// product combines what is there with each value of one more axis.
func (e *extraction) product(n yamlpos.Node, at string, all []combination, name string, values yamlpos.Node) []combination {
	var out []combination
	for _, c := range all {
		for _, v := range values.Items() {
			if len(out) == maxCombinations {
				e.r.Limit(n, at, "jobs of a matrix", maxCombinations)
				return out
			}
			out = append(out, c.with(name, v))
		}
	}
	return out
}

func (c combination) with(name string, v yamlpos.Node) combination {
	values := make(map[string]yamlpos.Node, len(c.values)+1)
	for k, v := range c.values {
		values[k] = v
	}
	values[name] = v
	return combination{values, c.unresolved}
}

// without leaves out what all values of an exclude match.
func without(all []combination, exclude yamlpos.Node) []combination {
	if !exclude.IsList() {
		return all
	}
	var out []combination
	for _, c := range all {
		excluded := false
		for _, x := range exclude.Items() {
			matches, any := x.IsMap(), false
			for k, v := range x.Fields() {
				any = true
				matches = matches && contains(c.values[strings.ToLower(k.String())], v, 0)
			}
			excluded = excluded || matches && any
		}
		if !excluded {
			out = append(out, c)
		}
	}
	return out
}

// included adds what include says: to each combination of which it changes no
// value of an axis, else as a combination of its own.
func (e *extraction) included(n yamlpos.Node, at string, all []combination, include yamlpos.Node, axes map[string]bool) []combination {
	if s, ok := include.Text(); ok {
		for i := range all {
			all[i].unresolved = fmt.Sprintf("the matrix includes what %q says, which is not evaluated", s)
		}
	}
	own := len(all)
	if len(axes) == 0 {
		own = 0
		if include.IsList() {
			all = nil
		}
	}
	for _, x := range include.Items() {
		added := false
		for i := range own {
			fits := true
			for k, v := range x.Fields() {
				if name := strings.ToLower(k.String()); axes[name] {
					fits = fits && same(all[i].values[name], v, 0)
				}
			}
			if fits {
				added = true
				for k, v := range x.Fields() {
					all[i] = all[i].with(strings.ToLower(k.String()), v)
				}
			}
		}
		if added || !x.IsMap() {
			continue
		}
		if len(all) >= maxCombinations {
			e.r.Limit(n, at, "jobs of a matrix", maxCombinations)
			return all
		}
		c := combination{}
		for k, v := range x.Fields() {
			c = c.with(strings.ToLower(k.String()), v)
		}
		all = append(all, c)
	}
	return all
}

// maxNesting bounds the comparison of values in values.
const maxNesting = 16

// same reports whether two values are equal.
func same(a, b yamlpos.Node, depth int) bool {
	return contains(a, b, depth) && contains(b, a, depth)
}

// contains reports whether all of b is in a: of mappings, the keys that b has.
func contains(a, b yamlpos.Node, depth int) bool {
	switch {
	case depth == maxNesting:
		return false
	case b.IsMap():
		for k, v := range b.Fields() {
			if !a.IsMap() || !contains(get(a, k.String()), v, depth+1) {
				return false
			}
		}
		return a.IsMap()
	case b.IsList():
		have := items(a)
		for i, v := range b.Items() {
			if i >= len(have) || !contains(have[i], v, depth+1) {
				return false
			}
		}
		return a.IsList()
	}
	x, okA := a.Text()
	y, okB := b.Text()
	return okA == okB && x == y
}

func items(n yamlpos.Node) []yamlpos.Node {
	var out []yamlpos.Node
	for _, v := range n.Items() {
		out = append(out, v)
	}
	return out
}

// get is a property of an object; its name's case does not count.
func get(n yamlpos.Node, name string) yamlpos.Node {
	if v := n.Get(name); !v.IsZero() {
		return v
	}
	for k, v := range n.Fields() {
		if strings.EqualFold(k.String(), name) {
			return v
		}
	}
	return yamlpos.Node{}
}
