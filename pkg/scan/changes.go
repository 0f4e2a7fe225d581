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

// wantsChanges says whether the files of the container are to be compared with
// those of its image, and with which, or why not.
func (g *containerGatherer) wantsChanges() {
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
	g.compared = child
}

// changes compares the files of containers with their images, those of one image
// together: its tree is put together once.
func (s *scanner) changes(ctx context.Context, all []*containerGatherer) {
	var order []*examinedChild
	of := map[*examinedChild][]*containerGatherer{}
	for _, g := range all {
		if c := g.compared; c != nil {
			if of[c] == nil {
				order = append(order, c)
			}
			of[c] = append(of[c], g)
		}
	}
	for _, c := range order {
		first := of[c][0]
		_, err := s.Layers.Tree(ctx, first.out.image.img, c.child, func(t *layer.Tree) {
			s.each(ctx, len(of[c]), func(ctx context.Context, i int) { of[c][i].filesChanged(ctx, t) })
		})
		if err == nil {
			continue
		}
		for _, g := range of[c] {
			g.out.set.Changes = fact.MissingList[fact.FileChange](causeOf(err), describe(err))
		}
	}
}

// filesChanged compares the files of one container with the tree of its image.
func (g *containerGatherer) filesChanged(ctx context.Context, t *layer.Tree) {
	set, files := g.out.set, g.class.inventory.runtime.Files
	_, claims := files.Reads()
	o := gather.Original{Tree: t, Config: set.Config.V, Claims: claims}
	for _, m := range g.class.spec.Settings.Mounts {
		o.Mounts = append(o.Mounts, m.Path)
	}
	set.Changes = gather.Changes(ctx, func(ctx context.Context, yield func(observe.Written)) error {
		return files.Written(ctx, g.class.first, yield)
	}, o)
	if g.class.spec.Container.Runtime == "kubernetes" && elsewhere(set.Changes) {
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, "files changed at run time on other nodes (run it there)")
	}
}

// elsewhere reports whether all that is known is that the container is not on
// this machine, which is how a lookup there answers for a cluster's.
func elsewhere(l fact.List[fact.FileChange]) bool {
	return l.State == fact.Known && len(l.Parts) == 1 && l.Parts[0].State == fact.Unknown && l.Parts[0].Cause == fact.NotFound
}
