package yamlpos

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// nesting refuses a document whose aliases go round in a circle, or nest values
// deeper than the parser allows without them: who reads it goes as deep.
func (d *Doc) nesting() *extract.PositionError {
	if bytes.IndexByte(d.text, '&') < 0 || bytes.IndexByte(d.text, '*') < 0 {
		return nil
	}
	n := nesting{doc: d, done: map[*yaml.Node]int{}}
	n.depth(d.root)
	return n.err
}

type nesting struct {
	doc  *Doc
	done map[*yaml.Node]int // anchors whose values are complete, and how deep these are
	err  *extract.PositionError
}

func (x *nesting) depth(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		depth, ok := x.done[n.Alias]
		if !ok && x.err == nil {
			x.err = x.doc.errorAtNode(n, fmt.Errorf("not valid YAML: the value of the anchor %q contains itself", n.Value))
		}
		return depth
	}
	deepest := 0
	for _, c := range n.Content {
		deepest = max(deepest, x.depth(c))
	}
	if deepest++; deepest == maxJSONDepth && x.err == nil {
		x.err = x.doc.errorAtNode(n, &limits.ExceededError{What: "depth of a YAML document, its aliases expanded,", Limit: maxJSONDepth})
	}
	if n.Anchor != "" {
		x.done[n] = deepest
	}
	return deepest
}
