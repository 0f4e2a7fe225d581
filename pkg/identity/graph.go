package identity

import (
	"slices"
	"sync"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Graph is what is known about which digest names what: indexes and the images
// that they list, manifests and their configs, configs and their layers. All of
// it follows from bytes that were hashed, so it is never forgotten, and it holds
// one entry for each distinct digest however often it is told. The zero value is
// empty and ready to use. A Graph may be used concurrently.
type Graph struct {
	mu    sync.RWMutex
	nodes map[ref.Digest]*node
}

// A node is what is known about one digest.
type node struct {
	index    bool // its bytes were read as an index
	manifest bool // its bytes were read as a manifest
	config   bool // its bytes were read as a config

	// Of an index. entries are the images that it lists, in its order, and set only
	// if they are all; why says why they are not.
	entries []entry
	why     string
	// Of a manifest that is no image: what it is.
	other fact.Class
	// Of an image's manifest: its config, and the indexes that list it.
	configDigest ref.Digest
	parents      []ref.Digest
	// Of what manifests of images name as their config: those, and what it says, as
	// far as it is known.
	manifests []ref.Digest
	platform  ref.Platform
	diffIDs   []ref.Digest
}

// An entry is one image of an index, as the index lists it.
type entry struct {
	manifest ref.Digest
	platform ref.Platform
}

// AddImage adds what hangs from one verified root. Children without a digest
// are left out, and so is a child's config unless the child is an image: the
// empty config that all artifacts share identifies none of them.
func (g *Graph) AddImage(img fact.Image) {
	root := img.Root.Digest
	if root == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch img.Class {
	case fact.ClassIndex:
		g.addIndex(root, img)
	case fact.ClassImage:
		g.at(root).manifest = true
	case fact.ClassAttestation, fact.ClassArtifact:
		g.addOther(root, img.Class)
	}
	for _, c := range img.Platforms {
		g.addChild(c)
	}
	for _, c := range img.Others {
		g.addChild(c)
	}
}

// Clone returns a graph that knows what g knows. What one of them learns from then
// on the other does not.
func (g *Graph) Clone() *Graph {
	g.mu.RLock()
	defer g.mu.RUnlock()
	out := &Graph{nodes: make(map[ref.Digest]*node, len(g.nodes))}
	for d, n := range g.nodes {
		// The other lists are never added to once they are set.
		c := *n
		c.parents, c.manifests = slices.Clone(n.parents), slices.Clone(n.manifests)
		out.nodes[d] = &c
	}
	return out
}

// at returns the node of d, a new one if there is none.
func (g *Graph) at(d ref.Digest) *node {
	if g.nodes == nil {
		g.nodes = map[ref.Digest]*node{}
	}
	n := g.nodes[d]
	if n == nil {
		n = &node{}
		g.nodes[d] = n
	}
	return n
}

func (g *Graph) addIndex(root ref.Digest, img fact.Image) {
	n := g.at(root)
	n.index = true
	if n.entries != nil {
		return // the bytes are the same, and all was read
	}
	switch {
	case img.Incomplete != "":
		n.why = img.Incomplete
		return
	case len(img.Platforms)+len(img.Others) == 0:
		n.why = "what it lists was not looked at"
		return
	}
	n.why, n.entries = "", []entry{}
	for _, c := range img.Platforms {
		if c.Class != fact.ClassImage || c.Platform.Unknown() {
			continue
		}
		n.entries = append(n.entries, entry{c.Manifest, c.Platform})
		if c.Manifest != "" {
			addOnce(&g.at(c.Manifest).parents, root)
		}
	}
}

func (g *Graph) addChild(c fact.Child) {
	switch {
	case c.Manifest == "":
	case c.Class == fact.ClassIndex:
		n := g.at(c.Manifest)
		n.index = true
		if n.entries == nil && n.why == "" {
			n.why = "what it lists was not looked at on its own"
		}
	case c.Class == fact.ClassAttestation, c.Class == fact.ClassArtifact:
		g.addOther(c.Manifest, c.Class)
	case c.Class == fact.ClassImage && c.Config != "":
		// Only what was read has a config. An entry that was not may be an index.
		n := g.at(c.Manifest)
		n.manifest, n.configDigest = true, c.Config
		addOnce(&g.at(c.Config).manifests, c.Manifest)
	}
}

func (g *Graph) addOther(d ref.Digest, class fact.Class) {
	n := g.at(d)
	n.manifest, n.other = true, class
}

func addOnce(list *[]ref.Digest, d ref.Digest) {
	if !slices.Contains(*list, d) {
		*list = append(*list, d)
	}
}

// AddConfig adds what a verified config says: the platform, and the digests of
// all expanded layers, nil if one of them is not known.
func (g *Graph) AddConfig(config ref.Digest, p ref.Platform, diffIDs []ref.Digest) {
	if config == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.at(config)
	n.config = true
	if n.platform == (ref.Platform{}) {
		n.platform = p
	}
	if n.diffIDs == nil {
		n.diffIDs = slices.Clone(diffIDs)
	}
}

// KindOf says what d names; "" if that is not known.
func (g *Graph) KindOf(d ref.Digest) fact.DigestKind {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.kind(d)
}

// kind puts what was read above what others say: a manifest may name anything
// as its config, another image's manifest too. What was read as two kinds is of
// none.
func (g *Graph) kind(d ref.Digest) fact.DigestKind {
	switch n := g.nodes[d]; {
	case n == nil || n.contradictory():
		return ""
	case n.index:
		return fact.DigestIndex
	case n.manifest:
		return fact.DigestManifest
	case n.config || len(n.manifests) > 0:
		return fact.DigestConfig
	}
	return ""
}

func (n *node) contradictory() bool {
	return n.index && n.manifest || n.config && (n.index || n.manifest)
}

// configOf returns the config that identifies the image of manifest d: "" if it
// was not read, is no image, or names something that is no config.
func (g *Graph) configOf(d ref.Digest) ref.Digest {
	n := g.nodes[d]
	if n == nil || g.kind(d) != fact.DigestManifest || g.kind(n.configDigest) != fact.DigestConfig {
		return ""
	}
	return n.configDigest
}
