package kubernetes

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A node is what is kept of one.
type node struct {
	platform ref.Platform
	tags     map[string]ref.Digest // where tags point, by canonical repository:tag
	silent   bool                  // its kubelet does not report any more
}

// nodeOf reduces a node. The kubelet reports a part of its images only (50 unless
// it is told otherwise), so a tag that is not there is not known.
func (v *observation) nodeOf(x *corev1.Node) *node {
	info := &x.Status.NodeInfo
	n := &node{platform: ref.Platform{OS: v.index.one(info.OperatingSystem), Architecture: v.index.one(info.Architecture)}}
	for _, c := range x.Status.Conditions {
		// Unknown is what the control plane writes when nothing is heard of a node.
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown {
			n.silent = true
		}
	}
	for i := range x.Status.Images {
		v.images(n, x.Status.Images[i].Names)
	}
	return n
}

// images keeps where the tags among the names of one image point. The names of
// an image with several digests in a repository do not say which is whose.
func (v *observation) images(n *node, names []string) {
	digests := map[string]ref.Digest{}
	for _, name := range names {
		repository, d, ok := strings.Cut(name, "@")
		if !ok {
			continue
		}
		repository = v.parse(repository).name
		digest, err := ref.ParseDigest(d)
		if other, twice := digests[repository]; err != nil || twice && other != digest {
			digest = ""
		}
		digests[repository] = digest
	}
	for _, name := range names {
		p := v.parse(name)
		if d := digests[p.name]; d != "" && p.tag != "" {
			if n.tags == nil {
				n.tags = map[string]ref.Digest{}
			}
			n.tags[p.tag] = ref.Digest(v.index.one(string(d)))
		}
	}
}

// node returns what is known of a node, asking for it if it was not listed; nil
// if nothing is.
func (v *observation) node(ctx context.Context, name string) *node {
	if name == "" {
		return nil // of a pod that waits for one
	}
	if n, ok := v.nodes[name]; ok {
		return n
	}
	if v.index.failed[nodes] != nil {
		return nil // said once, for all
	}
	v.nodes[name] = nil
	var x corev1.Node
	if err := v.c.get(ctx, nodes, "", name, false, &x); err != nil {
		if ctx.Err() != nil {
			delete(v.nodes, name)
			return nil
		}
		if what := fmt.Sprintf("node %q", name); isNotFound(err) {
			v.gapOf(what, fact.NotFound, "the cluster has it no more, and pods are still said to be there", "")
		} else {
			v.gap(what, err)
		}
		return nil
	}
	v.nodes[name] = v.nodeOf(&x)
	return v.nodes[name]
}

// silent says once which nodes have pods whose state nobody has told of late.
func (v *observation) silentNode(name string, n *node) {
	if n == nil || !n.silent || v.told[name] {
		return
	}
	v.told[name] = true
	v.gapOf(fmt.Sprintf("node %q", name), fact.Network, "its kubelet has stopped reporting: what runs there is what ran when it was last heard of",
		"look after the node, or remove it from the cluster")
}
