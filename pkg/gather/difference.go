package gather

import (
	"context"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Part is one platform of an opened image.
type Part struct {
	Image *image.Image
	Child *image.Child
}

// Difference compares the files of two images as they lie in containers, path by
// path, with the rules of [Changes]: what after has added, changed or removed
// against before. Times do not count. Layers that the cache holds are not read
// again. Both trees are in memory for the time of the comparison, which waits for
// others like [Layers.Tree].
func (l *Layers) Difference(ctx context.Context, before, after Part) fact.List[fact.FileChange] {
	if err := l.takeTrees(ctx); err != nil {
		return fact.MissingList[fact.FileChange](image.CauseOf(err), err.Error())
	}
	defer l.giveTrees()
	was, problem := l.treeOf(ctx, before)
	if was == nil {
		return problem
	}
	is, problem := l.treeOf(ctx, after)
	if is == nil {
		return problem
	}
	replay := func(ctx context.Context, yield func(observe.Written)) error {
		yield(observe.Written{Path: "/", Opaque: true, Entry: entryOf(is.Root())})
		return replayBelow(ctx, is.Root(), "", 0, yield)
	}
	return Changes(ctx, replay, Original{Tree: was, Config: Config(before.Child).V, Image: true})
}

func (l *Layers) treeOf(ctx context.Context, p Part) (*layer.Tree, fact.List[fact.FileChange]) {
	_, tree, err := l.tree(ctx, p.Image, p.Child)
	if err != nil {
		return nil, fact.MissingList[fact.FileChange](image.CauseOf(err), err.Error())
	}
	return tree, fact.List[fact.FileChange]{}
}

// replayBelow tells of everything in a directory as if a container had written it.
func replayBelow(ctx context.Context, dir layer.Node, at string, depth int, yield func(observe.Written)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > limits.PathDepth {
		return &limits.ExceededError{What: "directories in each other", Limit: limits.PathDepth}
	}
	for _, n := range dir.Children() {
		p := at + "/" + string(n.Name())
		yield(observe.Written{Path: fact.Bytes(p), Opaque: n.Type() == layer.TypeDir, Entry: entryOf(n)})
		if err := replayBelow(ctx, n, p, depth+1, yield); err != nil {
			return err
		}
	}
	return nil
}

// entryOf is a node as one who looks at a container's files would find it.
func entryOf(n layer.Node) observe.Entry {
	var e layer.Entry
	n.Entry(&e)
	out := observe.Entry{
		Type: typeNames[e.Type], Mode: uint32(e.Mode), UID: e.UID, GID: e.GID,
		Major: e.Major, Minor: e.Minor, Capabilities: e.Capabilities(),
	}
	switch e.Type {
	case layer.TypeFile:
		out.Size, out.Digest = e.Size, ref.Digest(sum(e.Sum))
		out.Head = interpreterLine(e.Head)
	case layer.TypeSymlink:
		out.Link = fact.Bytes(e.Link)
	}
	return out
}
