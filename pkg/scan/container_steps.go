package scan

import (
	"context"
	"errors"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// The steps of gathering. Each is done for all containers before the next: what
// one learns about digests the others know then, and none knows more than another
// because it was slower.

// ask resolves what the container's own specification names: its digest if it has
// one, else its tag.
func (g *containerGatherer) ask(ctx context.Context) {
	r := g.class.spec.Container.Ref
	switch {
	case r.Name == "":
		return
	case r.Digest != "":
		g.out.declared = g.open(ctx, r)
		return
	case r.Tag == "":
		r.Tag = "latest" // what every runtime does with such a name
	}
	g.out.tag = g.open(ctx, r)
}

// find looks for the running image in registries unless its names are known from
// what was opened already: by digest where it was declared, then where the
// runtime says it is from.
func (g *containerGatherer) find(ctx context.Context) {
	if !g.runs || g.proved(g.out.declared) || g.proved(g.out.tag) {
		return
	}
	for i, n := range g.names {
		if g.graph.KindOf(n.Digest) == fact.DigestConfig || i == 0 && g.class.first.kind == fact.DigestConfig {
			continue // no registry answers to it as a manifest
		}
		for _, repository := range g.repositories(n) {
			o := g.open(ctx, ref.Ref{Name: repository, Digest: n.Digest})
			g.out.tried = append(g.out.tried, o)
			if g.proved(o) {
				return
			}
		}
	}
}

// proved reports whether o is the image that runs.
func (g *containerGatherer) proved(o *opened) bool {
	return o != nil && o.img != nil && o.img.Root.Right() &&
		g.graph.Compare(o.img.Root.Doc.Digest, g.running.Digest, g.platform()).Answer == fact.AnswerSame
}

// more asks for what else a forecast needs: what another pull on the node has
// made of the tag, and what the upstream of a mirror says of it.
func (g *containerGatherer) more(ctx context.Context) {
	declared, tag := g.class.spec.Container.Ref, g.out.tag
	if !g.runs || tag == nil {
		return
	}
	if d := g.class.nodeTag; d != "" && g.graph.Compare(d, g.running.Digest, g.platform()).Answer == fact.AnswerUnknown {
		g.out.cached = g.open(ctx, ref.Ref{Name: declared.Canonical(), Digest: d})
	}
	upstream := g.Policy.UpstreamOf(declared.Canonical())
	if upstream == declared.Canonical() {
		return
	}
	// A mirror's tag can be a day old: what it says proves neither drift nor that
	// there is none.
	g.out.upstream = g.open(ctx, ref.Ref{Name: upstream, Tag: tag.to.Tag})
}

// conclude examines the image that runs, by what all have learned, and asks what
// is left to ask.
func (g *containerGatherer) conclude(ctx context.Context) {
	if g.runs {
		g.settle()
	}
	if root := g.root(); root != nil {
		g.out.image = g.examine(ctx, root)
		g.out.child = g.childOf(g.out.image)
		g.class.image = g.out.image
	}
	if d := g.out.declared; d != nil && d.err == nil {
		g.pinOf(ctx, d)
	}
}

// settle says where the running image was found, and by which names it is known
// to go.
func (g *containerGatherer) settle() {
	for _, o := range append([]*opened{g.out.declared, g.out.tag}, g.out.tried...) {
		if o == nil {
			continue
		}
		g.asked(o)
		if g.proved(o) {
			g.running.Found = o.to.Canonical()
			if o != g.out.declared && o != g.out.tag {
				g.byDigest = o
			}
			break
		}
	}
	r := &g.running
	if k := g.graph.KindOf(r.Digest); k != "" {
		r.Kind = k
	}
	r.Index, r.Manifest, r.Config = g.graph.Names(r.Digest, g.platform())
}

// repositories are where the digest of n may be.
func (g *containerGatherer) repositories(n identity.Name) []string {
	var out []string
	if declared := g.class.spec.Container.Ref; declared.Name != "" {
		out = append(out, declared.Canonical())
	}
	if n.Repository != "" && !slices.Contains(out, n.Repository) {
		out = append(out, n.Repository)
	}
	return out
}

// asked notes where the running image was looked for, and who did not answer.
func (g *containerGatherer) asked(o *opened) {
	if r := &g.running; !slices.Contains(r.Asked, o.to.Canonical()) {
		r.Asked = append(r.Asked, o.to.Canonical())
	}
	if o.err != nil && image.CauseOf(o.err) != fact.NotFound && g.running.Unheard == "" {
		g.running.UnheardCause, g.running.Unheard = causeOf(o.err), describe(o.err)
	}
}

// compare compares what runs with what the pod's own specification, and the
// template that it was made from, pin.
func (g *containerGatherer) compare() {
	c := g.class.spec.Container
	on := g.platform()
	if d := c.Ref.Digest; d != "" {
		answer := g.graph.Compare(d, g.running.Digest, on)
		g.running.Declared = &answer
	}
	if t, err := ref.Parse(c.Template); err == nil && t.Digest != "" {
		answer := g.graph.Compare(t.Digest, g.running.Digest, on)
		g.running.Template = &answer
	}
}

func (g *containerGatherer) platform() ref.Platform { return g.class.spec.Container.Platform }

// root chooses what is examined as the image that runs: the index or manifest
// that was declared, if that is it; else what the tag names now, if that is it;
// else what the runtime reports. A signature on an index counts only if that
// index was itself given. Where nothing runs it is what is declared.
func (g *containerGatherer) root() *opened {
	nothing := g.nothing()
	for _, o := range []*opened{g.out.declared, g.out.tag} {
		if o != nil && o.img != nil && (nothing || g.runs && g.proved(o)) {
			return o
		}
	}
	return g.byDigest
}

var errNotFound = errors.New("the image that runs was found in no registry that was asked")
