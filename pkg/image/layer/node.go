package layer

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// A Node is a path of a [Tree], for those who compare the tree with another one
// step by step. The zero value is of no tree and may not be used. It may be used
// concurrently.
type Node struct {
	t  *Tree
	id nodeID
}

// Root returns the root directory.
func (t *Tree) Root() Node { return Node{t, 0} }

// At returns the node at an absolute path. Links are not followed: below one
// there is nothing.
func (t *Tree) At(path string) (Node, bool) {
	n := t.Root()
	for name := range bytes.SplitSeq([]byte(path), []byte("/")) {
		if len(name) == 0 {
			continue
		}
		var ok bool
		if n, ok = n.Child(name); !ok {
			return Node{}, false
		}
	}
	return n, true
}

// Child returns what the directory n holds by that name.
func (n Node) Child(name []byte) (Node, bool) {
	id, ok := n.t.childOf(n.id, name)
	return Node{n.t, id}, ok && n.Type() == TypeDir
}

// Children returns what the directory n holds, sorted by name; nothing for
// another type.
func (n Node) Children() []Node {
	if n.Type() != TypeDir {
		return nil
	}
	var out []Node
	for _, id := range n.t.children(n.id) {
		out = append(out, Node{n.t, id})
	}
	return out
}

// Type returns what n is, without reading the rest of it.
func (n Node) Type() Type { return n.t.at(n.id).typ }

// Name returns the name of n in its directory. It is not to be changed.
func (n Node) Name() []byte { return n.t.base(n.id) }

// Path returns the absolute path.
func (n Node) Path() fact.Bytes { return n.t.path(n.id) }

// Entry reads what n holds into e, which has no Path then. Its slices are not to
// be changed and are good as long as the tree.
func (n Node) Entry(e *Entry) { n.t.entry(n.id, e) }

// Capabilities returns the value of security.capability; "" if there is none.
func (e *Entry) Capabilities() fact.Bytes {
	value, _ := e.xattr(xattrCapability)
	return fact.Bytes(value)
}

// DescribeCapabilities names the capabilities that a value of security.capability
// gives: "capabilities cap_net_raw"; "" if it gives none.
func DescribeCapabilities(value fact.Bytes) string { return capabilities([]byte(value)) }

// Resolve returns where a path leads in a container, links followed. Of a path that
// the tree does not have, the part that it has is resolved and the rest appended.
// It returns "" if links lead nowhere.
func (t *Tree) Resolve(name string) string {
	at, rest := cleanLink([]byte(name)), ""
	for {
		r := resolver{t: t}
		id, why := r.walk(0, []byte(at), true)
		switch {
		case why == "":
			return cleanLink([]byte(string(t.path(id)) + rest))
		case why != "no such file":
			return ""
		}
		// A link that leads to nothing is itself there.
		if id, why := (&resolver{t: t}).walk(0, []byte(at), false); why == "" && t.at(id).typ == TypeSymlink {
			return ""
		}
		rest = "/" + path.Base(at) + rest
		at = path.Dir(at)
	}
}

// CodePaths are the places of a tree from which code runs; see
// docs/execution-paths.md. They may be used concurrently.
type CodePaths struct {
	x    *execPath
	deep []string // patterns of directories with all below them
	flat []string // directories of PATH
}

// NewCodePaths finds them for the command and environment of cfg.
func NewCodePaths(t *Tree, cfg fact.Config) *CodePaths {
	run := resolveCommand(t, cfg)
	c := &CodePaths{x: newExecPath(t, cfg, run), flat: pathDirs(cfg), deep: append(slices.Clone(execTrees), run.appDirs...)}
	for _, name := range execVariables {
		c.deep = append(c.deep, variableDirs(cfg, name)...)
	}
	return c
}

// Has reports whether n, a node of the same tree, is one.
func (c *CodePaths) Has(n Node) bool { return c.x.has(n.id) }

// Would reports whether a directory that the tree does not have would be one, by
// its path alone.
func (c *CodePaths) Would(dir string) bool {
	for _, d := range c.flat {
		if path.Clean(d) == dir {
			return true
		}
	}
	for _, pattern := range c.deep {
		// A pattern matches one component with each of its own.
		n, top := strings.Count(path.Clean(pattern), "/"), dir
		for strings.Count(top, "/") > n {
			top = path.Dir(top)
		}
		if ok, err := path.Match(path.Clean(pattern), top); ok && err == nil {
			return true
		}
	}
	return false
}
