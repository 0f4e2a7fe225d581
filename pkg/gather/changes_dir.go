package gather

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/observe"
)

// unmappedID is what a user namespace shows for an owner that it has no number
// for. No container can give such an owner.
const unmappedID = 65534

// root compares the root directory. Runtimes make the upper one: 0755 or, Podman,
// 0555, root's or the image's.
func (c *comparer) root(w observe.Written) {
	f := &c.stack[0]
	var was layer.Entry
	f.node.Entry(&was)
	if w.Entry.Mode == 0o755 || w.Entry.Mode == 0o555 {
		w.Entry.Mode = uint32(was.Mode)
	}
	if w.Entry.UID == 0 || w.Entry.UID == unmappedID {
		w.Entry.UID = was.UID
	}
	if w.Entry.GID == 0 || w.Entry.GID == unmappedID {
		w.Entry.GID = was.GID
	}
	c.directoryMetadata("/", w, &was)
	if w.Err != nil {
		c.problem("/", w.Err)
	}
	f.conceal(w.Opaque && w.Err == nil)
}

// directory compares a directory and makes it the one that is being compared.
func (c *comparer) directory(p string, w observe.Written, node layer.Node, has bool) {
	in := c.stack[len(c.stack)-1]
	next := frame{path: p, moved: in.moved, code: in.code || c.code.Would(p)}
	if w.Err != nil {
		// What is in it was not all seen; of what was not nothing is said.
		c.problem(p, w.Err)
	}
	was := node
	switch {
	case w.Renamed != "" && (!has || w.Renamed != node.Path()):
		if has && !in.moved {
			c.gone(node, p, "replaced")
		}
		from, ok := c.o.Tree.At(string(w.Renamed))
		if !ok || from.Type() != layer.TypeDir {
			c.problem(p, &image.Error{Op: "compare", Cause: fact.Dependency,
				Err: fmt.Errorf("it is said to be the directory %q of the image, which has none", string(w.Renamed))})
			c.push(next)
			return
		}
		c.tellKinds(from, p, fact.FileChange{What: "added"}, fmt.Sprintf("renamed from %q, ", string(w.Renamed)))
		next.node, next.has, next.moved = from, true, true
		was = from
	case !has:
		f := fact.FileChange{Path: fact.Bytes(p), What: "added", Kind: kindOf(c.rules, c.subject(p, w.Entry)), Detail: "directory"}
		next.added = &f
		c.push(next)
		return
	case node.Type() != layer.TypeDir:
		f := fact.FileChange{Path: fact.Bytes(p), What: "replaced", Kind: kindOf(c.rules, c.original(node, p)), Detail: "directory, was a " + node.Type().String()}
		var e layer.Entry
		if node.Entry(&e); e.Type == layer.TypeFile {
			f.Was = sum(e.Sum)
		}
		c.tell(f)
		c.push(next)
		return
	default:
		next.node, next.has = node, true
		next.conceal((in.hidden || w.Opaque) && w.Err == nil)
	}
	var e layer.Entry
	was.Entry(&e)
	c.directoryMetadata(p, w, &e)
	c.push(next)
}

func (c *comparer) directoryMetadata(p string, w observe.Written, was *layer.Entry) {
	if detail, what := metadata(w.Entry, was); what != "" {
		s := c.subject(p, w.Entry)
		if n, ok := c.o.Tree.At(p); ok {
			s.code = s.code || c.code.Has(n)
		}
		c.tell(fact.FileChange{Path: fact.Bytes(p), What: what, Kind: kindOf(c.rules, s), Detail: join("directory", detail)})
	}
}

// gone tells that what the image has at p is not there any more.
func (c *comparer) gone(n layer.Node, p, what string) {
	if c.mounts.covers(p) || within(p, kernelTrees) {
		return
	}
	if n.Type() == layer.TypeDir {
		c.goneBelow(n, p, what, "")
		return
	}
	f := fact.FileChange{Path: fact.Bytes(p), What: what, Kind: kindOf(c.rules, c.original(n, p))}
	var e layer.Entry
	if n.Entry(&e); e.Type == layer.TypeFile {
		f.Was = sum(e.Sum)
	}
	c.tell(f)
}

// goneBelow tells that a directory of the image is gone and says which kinds it
// told of.
func (c *comparer) goneBelow(n layer.Node, p, what, before string) map[fact.FileKind]bool {
	return c.tellKinds(n, p, fact.FileChange{What: what}, before)
}

// tellKinds tells of a directory of the image once for each kind of files that it
// holds, with their number: a check of one kind must not miss them because others
// are there too.
func (c *comparer) tellKinds(n layer.Node, p string, f fact.FileChange, before string) map[fact.FileKind]bool {
	counts := map[fact.FileKind]int{}
	c.count(n, p, counts)
	told := map[fact.FileKind]bool{}
	f.Path = fact.Bytes(p)
	for _, k := range kinds {
		if counts[k] > 0 {
			f.Kind, f.Detail = k, before+"directory with "+sayCount(counts[k], k)
			c.tell(f)
			told[k] = true
		}
	}
	if len(told) == 0 {
		f.Kind, f.Detail = kindOf(c.rules, c.original(n, p)), before+"directory"
		c.tell(f)
		told[f.Kind] = true
	}
	return told
}

// count counts the files below a directory of the image by what they are good
// for at p.
func (c *comparer) count(n layer.Node, p string, counts map[fact.FileKind]int) {
	for _, child := range n.Children() {
		at := p + "/" + string(child.Name())
		switch {
		case c.mounts.covers(at):
		case child.Type() == layer.TypeDir:
			c.count(child, at, counts)
		default:
			counts[kindOf(c.rules, c.original(child, at))]++
		}
	}
}

func sayCount(n int, k fact.FileKind) string {
	noun := string(k)
	switch {
	case k == fact.FileConfiguration || k == fact.FileData:
		noun += " file"
		if n != 1 {
			noun += "s"
		}
	case n != 1:
		noun = strings.TrimSuffix(noun, "y") + map[bool]string{true: "ies", false: "s"}[k == fact.FileLibrary]
	}
	return fmt.Sprintf("%d %s", n, noun)
}
