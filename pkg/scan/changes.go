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

// filesFacts says what changed in the files of the container, or why they were not
// compared with those of its image. Until they were, g.wants says that they should.
func (g *containerGatherer) filesFacts() {
	set, files := g.set, g.class.inventory.runtime.Files
	c := &g.class.spec.Container
	switch {
	case set.Running.State == fact.Absent, c.Role == fact.RoleVolume:
		set.Changes = fact.NoList[fact.FileChange]() // nothing runs; a volume the kubelet mounts read-only
	case files == nil:
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, howChanges)
	case c.Phase != fact.PhaseRunning:
		set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, "files of containers that do not run")
	case g.out.image == nil || set.Config.State != fact.Known:
		cause, why := g.lost()
		set.Changes = fact.MissingList[fact.FileChange](cause, why)
	case g.out.child == nil:
		set.Changes = fact.MissingList[fact.FileChange](fact.Dependency, "which platform of the image runs is not known")
	case g.out.changes == nil:
		g.wants = true
	default:
		set.Changes = *g.out.changes
	}
}

// changes compares the files of containers with their images, those of one image
// together: its tree is put together once.
func (s *scanner) changes(ctx context.Context, all []*ran) {
	var order []*examinedChild
	of := map[*examinedChild][]*ran{}
	for _, r := range all {
		if r.class.inventory.runtime.Files == nil {
			continue
		}
		g := s.gatherer(r)
		if g.facts(); !g.wants {
			continue
		}
		if of[r.child] == nil {
			order = append(order, r.child)
		}
		of[r.child] = append(of[r.child], r)
	}
	for _, c := range order {
		_, err := s.Layers.Tree(ctx, of[c][0].image.img, c.child, func(t *layer.Tree) {
			s.each(ctx, len(of[c]), func(ctx context.Context, i int) { of[c][i].filesChanged(ctx, t) })
		})
		if err == nil {
			continue
		}
		for _, r := range of[c] {
			none := fact.MissingList[fact.FileChange](causeOf(err), describe(err))
			r.changes = &none
		}
	}
}

// filesChanged compares the files of one container with the tree of its image.
func (r *ran) filesChanged(ctx context.Context, t *layer.Tree) {
	spec, files := r.class.spec, r.class.inventory.runtime.Files
	_, claims := files.Reads()
	o := gather.Original{Tree: t, Config: r.child.set.Config.V, Claims: claims}
	for _, m := range spec.Settings.Mounts {
		o.Mounts = append(o.Mounts, m.Path)
	}
	out := gather.Changes(ctx, func(ctx context.Context, yield func(observe.Written)) error {
		return files.Written(ctx, r.class.container(), yield)
	}, o)
	if spec.Container.Runtime == "kubernetes" && elsewhere(out) {
		out = fact.MissingList[fact.FileChange](fact.NotAsked, "files changed at run time on other nodes (run it there)")
	}
	r.changes = &out
}

// elsewhere reports whether all that is known is that the container is not on
// this machine, which is how a lookup there answers for a cluster's.
func elsewhere(l fact.List[fact.FileChange]) bool {
	return l.State == fact.Known && len(l.Parts) == 1 && l.Parts[0].State == fact.Unknown && l.Parts[0].Cause == fact.NotFound
}
