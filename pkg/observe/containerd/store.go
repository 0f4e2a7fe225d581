package containerd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
