package containerd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/ref"
)

// A store is what the image store of one namespace says, and what its content
// store has of it.
type store struct {
	content *containerdclient.Content
	byName  map[string]containerdclient.Image
	pinned  map[ref.Digest][]string // names with a digest that is their target's, sorted
	trees   map[ref.Digest][]child  // of targets that were asked for
	// lost is why the content store cannot be asked any more.
	lost error
}

// A child is one image that a target stands for, as far as its bytes are there
// and hash to what names them.
type child struct {
	manifest, config ref.Digest
	platform         ref.Platform
	chain            string // the chain ID of its layers; "" = none
	read             bool   // the config was, so that the chain is known
}

func newStore(all []containerdclient.Image, content *containerdclient.Content) *store {
	s := &store{content: content, byName: map[string]containerdclient.Image{}, pinned: map[ref.Digest][]string{}, trees: map[ref.Digest][]child{}}
	for _, i := range all {
		s.byName[i.Name] = i
		if r, err := ref.Parse(i.Name); err == nil && r.Digest != "" && r.Digest == i.Target.Digest {
			s.pinned[r.Digest] = append(s.pinned[r.Digest], i.Name)
		}
	}
	for _, names := range s.pinned {
		slices.Sort(names)
	}
	return s
}

// tree returns the images that target stands for. Nothing that is missing or
// wrong is among them; the caller must not take their number for all.
func (s *store) tree(ctx context.Context, target ref.Digest) []child {
	if known, ok := s.trees[target]; ok || target == "" || s.lost != nil {
		return known
	}
	var out []child
	img, err := image.Open(ctx, s.content, ref.Ref{Digest: target}, image.Options{})
	s.note(ctx, err)
	if err == nil {
		for _, c := range img.Children {
			s.note(ctx, c.Err)
			s.note(ctx, c.ConfigErr)
			if c.Manifest == nil || !c.Manifest.Right() || !c.Runnable() {
				continue
			}
			x := child{manifest: c.Manifest.Doc.Digest, platform: c.Platform}
			if d := c.Manifest.Manifest.Config; d != nil {
				x.config = d.Digest
			}
			if c.ConfigOK && len(c.Config.DiffIDErrors) == 0 {
				x.read, x.chain = true, chainID(c.Config.DiffIDs)
				if x.platform == (ref.Platform{}) {
					x.platform = c.Config.Platform
				}
			}
			out = append(out, x)
		}
	}
	if s.lost == nil {
		s.trees[target] = out
	}
	return out
}

// note tells content that is not there from a store that does not answer.
func (s *store) note(ctx context.Context, err error) {
	if err != nil && s.lost == nil && (ctx.Err() != nil || image.CauseOf(err) == fact.Network) {
		s.lost = err
	}
}

// chainID names a stack of layers as snapshotters do.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#layer-chainid
func chainID(diffIDs []ref.Digest) string {
	chain := ""
	for i, d := range diffIDs {
		if i == 0 {
			chain = string(d)
			continue
		}
		sum := sha256.Sum256([]byte(chain + " " + string(d)))
		chain = "sha256:" + hex.EncodeToString(sum[:])
	}
	return chain
}

// withConfig returns the manifest below target that has this config.
func (s *store) withConfig(ctx context.Context, target, config ref.Digest) ref.Digest {
	for _, c := range s.tree(ctx, target) {
		if config != "" && c.config == config {
			return c.manifest
		}
	}
	return ""
}

// onLayers returns the one image below target that is unpacked to the snapshot
// parent, for the platform if that is needed to tell. possible is false if all
// of its images are known and none is.
func (s *store) onLayers(ctx context.Context, target ref.Digest, parent string, platform ref.Platform) (found child, possible bool) {
	var all, here []child
	tree := s.tree(ctx, target)
	possible = len(tree) == 0
	for _, c := range tree {
		switch {
		case !c.read:
			possible = true
		case c.chain == parent:
			all = append(all, c)
			if c.platform.Matches(platform) {
				here = append(here, c)
			}
		}
	}
	switch {
	case len(all) == 1:
		return all[0], true
	case len(here) == 1:
		return here[0], true
	}
	return child{}, possible || len(all) > 0
}

// nodeTag is where the tag of r points in the image store; "" if it has none or
// is not there.
func (s *store) nodeTag(r ref.Ref) ref.Digest {
	if r.Tag == "" && r.Digest != "" {
		return ""
	}
	tag := r.Tag
	if tag == "" {
		tag = "latest"
	}
	if found, ok := s.byName[ref.Ref{Name: r.Name, Tag: r.Tag}.String()]; ok {
		return found.Target.Digest
	}
	return s.byName[r.Canonical()+":"+tag].Target.Digest
}

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
