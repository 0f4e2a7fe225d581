package gather

import (
	"fmt"
	"path"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
)

// claims are what an engine says. They come in any order.
type claims struct {
	told  []claim
	above map[string]bool // directories in which something is claimed
}

type claim struct{ path, what string }

// claim takes in one claim.
func (c *comparer) claim(p, what string) {
	switch what {
	case "added", "changed", "removed":
	default:
		c.problem(p, &image.Error{Op: "compare", Cause: fact.Unsupported, Err: fmt.Errorf("the engine says %q, which is not known", what)})
		return
	}
	if len(c.claims.told) > c.limit {
		c.over = true
		return
	}
	c.claims.told = append(c.claims.told, claim{p, what})
	if c.claims.above == nil {
		c.claims.above = map[string]bool{}
	}
	for dir := path.Dir(p); !c.claims.above[dir]; dir = path.Dir(dir) {
		c.claims.above[dir] = true
	}
}

// claimed judges the claims by what the image has at their paths. Engines also
// name the directories above what changed: those alone are no change.
func (c *comparer) claimed() {
	for _, cl := range c.claims.told {
		if c.claims.above[cl.path] && cl.what != "removed" || c.mounts.covers(cl.path) || c.mounts.leads(cl.path) ||
			within(cl.path, kernelTrees) || slices.Contains(runtimeFiles, cl.path) || cl.path == "/etc/mtab" {
			continue
		}
		n, has := c.o.Tree.At(cl.path)
		f := fact.FileChange{Path: fact.Bytes(cl.path), What: cl.what, Claimed: true}
		switch {
		case !has && cl.what == "removed":
			continue
		case !has:
			f.Kind = kindOf(c.rules, subject{path: cl.path, code: c.codeAbove(cl.path)})
		case n.Type() == layer.TypeDir && cl.what == "removed":
			c.tellKinds(n, cl.path, f, "")
			continue
		default:
			f.Kind = kindOf(c.rules, c.original(n, cl.path))
			var e layer.Entry
			if n.Entry(&e); e.Type == layer.TypeFile {
				f.Was = sum(e.Sum)
			} else {
				f.Detail = e.Type.String()
			}
		}
		c.tell(f)
	}
	if c.o.Claims || len(c.claims.told) > 0 {
		c.unknown(fact.Unsupported, "only what the engine says was seen: it looks at times and sizes, which can be set back, and nothing was hashed")
	}
}

// codeAbove reports whether the nearest directory of the image above p is one from
// which code is run.
func (c *comparer) codeAbove(p string) bool {
	for p != "/" {
		p = path.Dir(p)
		if n, ok := c.o.Tree.At(p); ok {
			return c.code.Has(n)
		} else if c.code.Would(p) {
			return true
		}
	}
	return false
}
