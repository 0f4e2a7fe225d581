package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// claimed yields the engine's own comparison, in the order of paths. It lists
// what mounts cover as removed, so all below them is left out.
func claimed(ctx context.Context, e *dockerengine.Engine, in container.InspectResponse, yield func(observe.Written)) error {
	m := masksOf(in)
	var all []observe.Written
	var pathBytes int64
	err := e.Changes(ctx, in.ID, func(c dockerengine.Change) error {
		what, err := claimOf(c)
		if err != nil {
			return err
		}
		p := path.Clean(c.Path)
		if m.claimedHidden(p) {
			return nil
		}
		if pathBytes += int64(len(p)); len(all) == limits.Entries || pathBytes > limits.PathBytes {
			return &limits.ExceededError{What: "entries of the engine's comparison", Limit: limits.Entries}
		}
		all = append(all, observe.Written{Path: fact.Bytes(p), Claimed: what, Removed: what == "removed"})
		return nil
	})
	slices.SortFunc(all, func(a, b observe.Written) int { return comparePaths(a.Path, b.Path) })
	for _, w := range all {
		yield(w)
	}
	var done *image.Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	out := &image.Error{Op: "compare", Object: fmt.Sprintf("container %q with its image", nameOf(in)), Cause: fact.ServerError, Err: err}
	if errors.As(err, new(*limits.ExceededError)) {
		out.Cause = fact.Limit
	}
	return out
}

// comparePaths orders what is in a directory behind it and before its sibling.
func comparePaths(a, b fact.Bytes) int {
	for i := range min(len(a), len(b)) {
		switch x, y := a[i], b[i]; {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		default:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func claimOf(c dockerengine.Change) (string, error) {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsRune(c.Path, 0) {
		return "", fmt.Errorf("the engine names the path %.80q, which is not absolute", c.Path)
	}
	switch c.Kind {
	case container.ChangeModify:
		return "changed", nil
	case container.ChangeAdd:
		return "added", nil
	case container.ChangeDelete:
		return "removed", nil
	}
	return "", fmt.Errorf("the engine says %d of %.80q, which the API does not know", c.Kind, c.Path)
}
