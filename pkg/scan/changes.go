package scan

import (
	"context"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/observe"
)

// howChanges is how to ask for the files that changed.
const howChanges = "files changed at run time (--changed-files)"

// changes compares the files of a container with those of its image, where that
// was asked for.
func (g *containerGatherer) changes(ctx context.Context) {
	set, files := g.out.set, g.class.inventory.runtime.Files
	c := g.class.spec.Container
	switch {
	case set.Running.State == fact.Absent:
		return // Absent already
	case c.Role == fact.RoleVolume:
		set.Changes = fact.NoList[fact.FileChange]() // the kubelet mounts it read-only
		return
	case files == nil:
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, howChanges)
		return
	case c.Phase != fact.PhaseRunning:
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, "files of containers that do not run")
		return
	case g.out.image == nil || set.Config.State != fact.Known:
		cause, why := g.lost()
		set.Changes = fact.MissingList[fact.FileChange](cause, why)
		return
	}
	child := g.child(g.out.image)
	if child == nil {
		set.Changes = fact.MissingList[fact.FileChange](fact.Dependency, "which platform of the image runs is not known")
		return
	}
	_, claims := files.Reads()
	o := gather.Original{Config: set.Config.V, Claims: claims}
	for _, m := range g.class.spec.Settings.Mounts {
		o.Mounts = append(o.Mounts, m.Path)
	}
	written := func(ctx context.Context, yield func(observe.Written)) error {
		return files.Written(ctx, g.class.first, yield)
	}
	_, err := g.Layers.Tree(ctx, g.out.image.img, child.child, func(t *layer.Tree) {
		o.Tree = t
		set.Changes = gather.Changes(ctx, written, o)
	})
	if err != nil {
		set.Changes = fact.MissingList[fact.FileChange](causeOf(err), describe(err))
	}
	if c.Runtime == "kubernetes" && elsewhere(set.Changes) {
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, "files changed at run time on other nodes (run it there)")
	}
}

// elsewhere reports whether all that is known is that the container is not on
// this machine, which is how a lookup there answers for a cluster's.
func elsewhere(l fact.List[fact.FileChange]) bool {
	return l.State == fact.Known && len(l.Parts) == 1 && l.Parts[0].State == fact.Unknown && l.Parts[0].Cause == fact.NotFound
}
