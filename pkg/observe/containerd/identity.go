package containerd

import (
	"context"
	"errors"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/ref"
)

// identity is what a runtime says that a container runs.
type identity struct {
	reported string
	manifest ref.Digest
	also     []string
}

func (i *identity) add(names ...string) {
	for _, n := range names {
		if n != "" && n != i.reported && !slices.Contains(i.also, n) {
			i.also = append(i.also, n)
		}
	}
	slices.Sort(i.also)
}

// ofPod identifies the image of a pod's container. The CRI plugin keeps its
// config, whatever becomes of the names; st is nil if the CRI was not asked.
func (s *store) ofPod(ctx context.Context, c *containerdclient.Container, p *pod, st *criState) identity {
	config := digestOrNone(p.config)
	targets := []ref.Digest{digestOrNone(p.target), s.byName[p.config].Target.Digest, s.byName[c.Image].Target.Digest}
	var out identity
	if st != nil {
		out.reported = st.ref
		if config == "" {
			config = digestOrNone(st.id)
		}
		if r, err := ref.Parse(st.ref); err == nil {
			targets = append(targets, r.Digest)
		}
	}
	for _, target := range targets {
		if out.manifest = s.withConfig(ctx, target, config); out.manifest == "" {
			continue
		}
		if out.reported == "" {
			out.reported = s.name(c.Image, target)
		}
		out.also = append(out.also, s.pinned[target]...)
		break
	}
	if out.reported == "" {
		out.reported = string(config)
	}
	also := append(out.also, string(config))
	if st != nil {
		also = append(also, st.id)
	}
	out.also = nil
	out.add(also...)
	return out
}

// name is how the kubelet would report a target: by the first name with its
// digest, else by the repository of the name that led there.
func (s *store) name(stored string, target ref.Digest) string {
	if names := s.pinned[target]; len(names) > 0 {
		return names[0]
	}
	if r, err := ref.Parse(stored); err == nil && !bareDigest(stored) {
		return r.WithDigest(target).String()
	}
	return string(target)
}

// errContradicted says that a name is not to be believed.
var errContradicted = unsupported(errors.New("its name holds a digest, and its layers or the image store say that it is another image"))

// ofName identifies the image of another container. Of it containerd keeps the
// name alone, and a name may have moved since: two images can share all layers
// and not the program that they start. So the name counts if it holds the digest
// or was written last before the container was made, and if the container's
// snapshot is not made of other layers. snapshot is nil if it is not known.
func (s *store) ofName(ctx context.Context, c *containerdclient.Container, snapshot *containerdclient.Snapshot, platform ref.Platform) (identity, error) {
	out := identity{reported: c.Image}
	stored, ok := s.byName[c.Image]
	target := stored.Target.Digest
	if !ok || c.SnapshotKey == "" {
		return out, nil
	}
	r, err := ref.Parse(c.Image)
	holds := err == nil && r.Digest != ""
	contradicted := func() (identity, error) {
		if !holds {
			return out, nil // the name alone says nothing
		}
		return identity{reported: ref.Ref{Name: r.Name, Tag: r.Tag}.String()}, errContradicted
	}
	var found child
	possible := target != ""
	if possible && snapshot != nil {
		found, possible = s.onLayers(ctx, target, snapshot.Parent, platform)
	}
	if !possible || holds && r.Digest != target {
		return contradicted()
	}
	if !holds {
		if c.Created.IsZero() || stored.Updated.IsZero() || stored.Updated.After(c.Created) {
			return out, nil
		}
		if err != nil || bareDigest(c.Image) {
			out.reported = string(target)
		} else {
			out.reported = r.WithDigest(target).String()
		}
	}
	out.manifest = found.manifest
	out.add(append(slices.Clone(s.pinned[target]), string(found.config))...)
	return out, nil
}

// bareDigest reports whether a name in the image store is that of an image's ID.
func bareDigest(name string) bool { return digestOrNone(name) != "" }

func digestOrNone(s string) ref.Digest {
	d, err := ref.ParseDigest(s)
	if err != nil {
		return ""
	}
	return d
}

// phaseOf joins what the task and the CRI say: what runs by either runs.
func phaseOf(task fact.Phase, st *criState) fact.Phase {
	switch {
	case st == nil || st.phase == "" || task == fact.PhaseRunning:
		return task
	}
	return st.phase
}
