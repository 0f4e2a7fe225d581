package gather

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// An Original is what the files of a container are compared with.
type Original struct {
	Tree   *layer.Tree // of the platform that it runs
	Config fact.Config // of the same platform: it says where code is run from
	// Mounts are the paths of the container at which something lies over the image's
	// files. What is at or below them is left out, and so are directories that were
	// made to lead to one.
	Mounts []fact.Bytes
	// Claims says that an engine tells what changed and nobody hashed it: see
	// [observe.Files].
	Claims bool
	// Image says that what is compared with Tree is another image's tree and no
	// container's: nothing in it was made by a runtime.
	Image bool
}

// Changes compares what a container has written with its image, path by path. A
// file that holds what the image's does, with the same mode and owner, is no
// change, whatever its times say. What the runtime itself makes in a container is
// left out: see docs/runtime-changes.md.
//
// written calls yield for every path, parents first and in the order of names, as
// [observe.Files] does. Its error, what could not be read, and a limit are Unknown
// parts beside the changes that are known. So is what an engine claims: that is no
// proof that nothing else changed.
func Changes(ctx context.Context, written func(ctx context.Context, yield func(observe.Written)) error, o Original) fact.List[fact.FileChange] {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newComparer(o)
	err := written(ctx, func(w observe.Written) {
		if c.written(w); c.over {
			cancel()
		}
	})
	c.finish()
	switch {
	case c.over:
		limit := &limits.ExceededError{What: "number of files that were changed in the container", Limit: int64(c.limit)}
		c.unknown(fact.Limit, limit.Error())
	case err != nil:
		why := err.Error()
		if hint := image.HintOf(err); hint != "" {
			why += ": " + hint
		}
		c.unknown(image.CauseOf(err), why)
	}
	return c.list()
}

// A comparer goes through both trees side by side.
type comparer struct {
	o      Original
	rules  []kindRule
	code   *layer.CodePaths
	mounts mounts
	limit  int
	over   bool // there are more changes than the limit

	stack   []frame
	last    string
	changes []fact.FileChange
	claims  claims

	problems []fact.Value[fact.FileChange]
	more     int // problems that are not told one by one
}

// A frame is a directory that is being compared.
type frame struct {
	path string     // of the container; "" is the root
	node layer.Node // the image's directory that it is compared with
	has  bool       // there is one
	// moved says that node is elsewhere in the image: the directory was renamed.
	moved bool
	// hidden says that nothing of the image shows through but what is listed. todo
	// is what of the image's was not met yet.
	hidden bool
	todo   []layer.Node
	code   bool             // code is run from it
	added  *fact.FileChange // to be told if nothing below it is
}

func newComparer(o Original) *comparer {
	c := &comparer{o: o, rules: kindRules(), code: layer.NewCodePaths(o.Tree, o.Config), limit: limits.Changes}
	c.mounts = newMounts(o)
	root := o.Tree.Root()
	c.stack = []frame{{node: root, has: true, code: c.code.Has(root)}}
	return c
}

// tell adds a change. A directory in which something changed is not told of as
// well.
func (c *comparer) tell(f fact.FileChange) {
	for i := range c.stack {
		c.stack[i].added = nil
	}
	if c.over = c.over || len(c.changes) >= c.limit; !c.over {
		c.changes = append(c.changes, f)
	}
}

// maxProblems is how many paths that could not be read are told one by one.
const maxProblems = limits.GroupPaths

func (c *comparer) unknown(cause fact.Cause, why string) {
	c.problems = append(c.problems, fact.Missing[fact.FileChange](cause, why))
}

// problem says that a path could not be looked at.
func (c *comparer) problem(p string, err error) {
	if len(c.problems) >= maxProblems {
		c.more++
		return
	}
	c.unknown(image.CauseOf(err), fmt.Sprintf("%q: %v", p, err))
}

func (c *comparer) list() fact.List[fact.FileChange] {
	if c.more > 0 {
		first := c.problems[0]
		c.unknown(first.Cause, fmt.Sprintf("%d more paths that could not be read", c.more))
	}
	slices.SortFunc(c.changes, func(a, b fact.FileChange) int {
		return cmp.Or(comparePaths(string(a.Path), string(b.Path)), cmp.Compare(a.What, b.What), cmp.Compare(a.Kind, b.Kind))
	})
	out := fact.ListOf[fact.FileChange]()
	for _, f := range c.changes {
		out.Parts = append(out.Parts, fact.Of(f))
	}
	out.Parts = append(out.Parts, c.problems...)
	return out
}

// comparePaths orders paths so that what is in a directory follows it.
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, "/")
		y, b, _ = strings.Cut(b, "/")
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// written takes in one path.
func (c *comparer) written(w observe.Written) {
	if c.over {
		return
	}
	p := path.Clean("/" + string(w.Path))
	if w.Claimed != "" {
		c.claim(p, w.Claimed)
		return
	}
	if p == "/" {
		c.root(w)
		return
	}
	if c.last != "" && comparePaths(p, c.last) <= 0 {
		c.problem(p, &image.Error{Op: "compare", Cause: fact.Internal, Err: fmt.Errorf("it was told after %q", c.last)})
		return
	}
	c.last = p
	in := c.enter(path.Dir(p))
	name := []byte(path.Base(p))
	in.meet(c, name)
	if c.mounts.covers(p) || !c.o.Image && runtimeMade(p, w) {
		return
	}
	var node layer.Node
	has := false
	if in.has {
		node, has = in.node.Child(name)
	}
	switch {
	case w.Removed && has && !in.moved:
		c.gone(node, p, "removed")
	case w.Removed:
	case w.Entry.Type == "" && w.Err != nil:
		c.problem(p, w.Err)
	case w.Entry.Type == "dir":
		c.directory(p, w, node, has)
	default:
		c.file(p, w, node, has)
	}
}

// enter makes dir the directory on top of the stack.
func (c *comparer) enter(dir string) *frame {
	dir = strings.TrimSuffix(dir, "/")
	for {
		top := &c.stack[len(c.stack)-1]
		if dir == top.path {
			return top
		}
		if rest, ok := strings.CutPrefix(dir, top.path+"/"); ok {
			// A directory that was not told of is as it was.
			name, _, _ := strings.Cut(rest, "/")
			top.meet(c, []byte(name))
			next := frame{path: top.path + "/" + name, moved: top.moved}
			if top.has {
				next.node, next.has = top.node.Child([]byte(name))
			}
			next.code = top.code || c.code.Would(next.path)
			next.conceal(top.hidden)
			c.push(next)
			continue
		}
		c.pop()
	}
}

func (c *comparer) push(f frame) {
	if f.has {
		f.code = c.code.Has(f.node) || f.moved && f.code
	}
	c.stack = append(c.stack, f)
}

func (c *comparer) pop() {
	top := &c.stack[len(c.stack)-1]
	top.meet(c, nil)
	if top.added != nil && !c.mounts.leads(top.path) {
		c.tell(*top.added)
	}
	c.stack = c.stack[:len(c.stack)-1]
}

func (c *comparer) finish() {
	for len(c.stack) > 1 {
		c.pop()
	}
	c.stack[0].meet(c, nil)
	c.claimed()
}

// conceal says that nothing of the image shows through.
func (f *frame) conceal(hidden bool) {
	if f.hidden = hidden; hidden && f.has && !f.moved {
		f.todo = f.node.Children()
	}
}

// meet says that the directory holds name, and so that what the image has before
// it is gone; nil is the end of the directory.
func (f *frame) meet(c *comparer, name []byte) {
	for len(f.todo) > 0 {
		next := f.todo[0]
		order := -1
		if name != nil {
			order = bytes.Compare(next.Name(), name)
		}
		if order > 0 {
			return
		}
		f.todo = f.todo[1:]
		if order == 0 {
			return
		}
		c.gone(next, f.path+"/"+string(next.Name()), "removed")
	}
}
