package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A ran is what was learned about one class of containers.
type ran struct {
	class   *class
	set     *fact.Set
	image   *examined // nil if the image that runs was not found
	key     string
	tag     *opened // of the tag that decides; nil if none does
	results []check.Result
	label   string // of the platform of the image that runs
	err     error  // why there is no image
	noImage bool   // it is none
}

// container gathers the facts about one class.
func (s *scanner) container(ctx context.Context, k *class) *ran {
	if k.found != nil {
		return s.declaredClass(ctx, k)
	}
	spec := k.spec
	c := spec.Container
	if c.Template != "" {
		c.Rewrite = identity.Rewrite(c.Template, c.Image, s.Policy.UpstreamOf)
	}
	settings := spec.Settings
	settings.Runtime = c.Runtime
	out := &ran{class: k, set: &fact.Set{
		Container: fact.Of(c), Settings: fact.Of(settings), Declared: fact.None[fact.Declared](),
		Push: fact.None[fact.Push](), Pin: fact.None[fact.Pin](), Tag: fact.None[fact.Tag](),
	}}
	out.set.Reference = s.writtenAs(k)
	out.set.TagHistory = s.history(spec.Container.Ref)
	place, placeKey, err := k.inventory.runtime.Place(ctx, k.first)
	g := &containerGatherer{scanner: s, out: out, class: k, place: place, placeKey: placeKey}
	switch {
	case s.Depth == policy.DepthReference:
		g.unasked(fact.NotAsked, "what the reference names (--depth manifest)")
	case err != nil:
		out.err = err
		g.unasked(causeOf(err), describe(err))
	default:
		g.run(ctx)
	}
	return out
}

// writtenAs is the fact about how the image of k is declared.
func (s *scanner) writtenAs(k *class) fact.Value[fact.Reference] {
	c := k.spec.Container
	at := ref.Origin{Kind: c.Runtime, Where: k.origins[0].workload.where, Path: c.Name}
	if c.Ref.Name == "" {
		return fact.Missing[fact.Reference](fact.Unsupported, fmt.Sprintf("%q is no reference", c.Image))
	}
	return fact.Of(fact.Reference{Ref: c.Ref, Text: c.Image, Kind: ref.KindImage, Class: s.Policy.TagClass(c.Ref), Origin: at})
}

// A containerGatherer works on one class.
type containerGatherer struct {
	*scanner
	out      *ran
	class    *class
	place    Place
	placeKey string

	declared *opened // what the declared digest names
	byDigest *opened // what the running digest names
	names    []identity.Name
	running  fact.Running
}

// unasked marks all that a registry would have told. What the runtime says can
// still be told apart by its digest.
func (g *containerGatherer) unasked(c fact.Cause, why string) {
	set := *g.out.set
	*g.out.set = *fact.AllMissing(c, why)
	s := g.out.set
	s.Reference, s.Container, s.Settings = set.Reference, set.Container, set.Settings
	s.Tag, s.Pin, s.Push, s.Declared = set.Tag, set.Pin, set.Push, set.Declared
	if g.parse() {
		g.running.UnheardCause, g.running.Unheard = c, why
		g.compare()
		s.Running = fact.Of(g.running)
	}
}

// parse reads what the runtime reports. It returns false, with Running set, if
// nothing runs or if that cannot be read.
func (g *containerGatherer) parse() bool {
	k, set := g.class, g.out.set
	if k.reported == "" {
		set.Running, set.Forecast = fact.None[fact.Running](), fact.None[fact.Forecast]()
		set.Judged, set.Changes = fact.None[fact.Judged](), fact.NoList[fact.FileChange]()
		return false
	}
	n, err := identity.ParseReported(k.reported)
	if err != nil || n.Digest == "" {
		why := fmt.Sprintf("the runtime reports %q, which names no bytes", k.reported)
		if err != nil {
			why = err.Error()
		}
		set.Running = fact.Missing[fact.Running](fact.Unsupported, why)
		return false
	}
	g.names = []identity.Name{n}
	if k.manifest != "" {
		g.names = append(g.names, identity.Name{Digest: k.manifest})
	}
	for _, also := range k.also {
		if n, err := identity.ParseReported(also); err == nil && n.Digest != "" {
			g.names = append(g.names, n)
		}
	}
	g.running = fact.Running{Reported: k.reported, Digest: n.Digest, Repository: n.Repository}
	return true
}

func (g *containerGatherer) run(ctx context.Context) {
	set := g.out.set
	declared := g.class.spec.Container.Ref
	if declared.Name != "" {
		g.openDeclared(ctx, declared)
	}
	if g.parse() {
		g.find(ctx, declared)
		g.compare()
		set.Running = fact.Of(g.running)
	}
	root := g.root()
	g.examined(ctx, declared, root)
	g.reference(ctx)
	g.forecast(ctx, declared)
	g.changes(ctx)
}

// openDeclared resolves what the container's own specification names: its digest
// if it has one, else its tag.
func (g *containerGatherer) openDeclared(ctx context.Context, r ref.Ref) {
	if r.Digest != "" {
		g.declared = g.open(ctx, g.place, g.placeKey, r)
		return
	}
	if r.Tag == "" {
		r.Tag = "latest" // what every runtime does with such a name
	}
	g.out.tag = g.open(ctx, g.place, g.placeKey, r)
}

// find looks for the running image in registries until its names are known: in
// what was opened already, then by digest where it was declared, then where the
// runtime says it is from.
func (g *containerGatherer) find(ctx context.Context, declared ref.Ref) {
	on := g.platform()
	for _, o := range []*opened{g.declared, g.out.tag} {
		if o == nil {
			continue
		}
		g.asked(o)
		if o.img != nil && g.scanner.graph.Compare(o.img.Root.Doc.Digest, g.running.Digest, on).Answer == fact.AnswerSame {
			g.running.Found = o.to.Canonical()
			g.named(on)
			return
		}
	}
	for _, n := range g.names {
		if g.scanner.graph.KindOf(n.Digest) == fact.DigestConfig {
			continue // no registry answers to it as a manifest
		}
		for _, repository := range g.repositories(declared, n) {
			o := g.open(ctx, g.place, g.placeKey, ref.Ref{Name: repository, Digest: n.Digest})
			g.asked(o)
			if o.img != nil && o.img.Root.Right() && g.scanner.graph.Compare(n.Digest, g.running.Digest, on).Answer == fact.AnswerSame {
				g.byDigest, g.running.Found = o, o.to.Canonical()
				g.named(on)
				return
			}
		}
	}
	g.named(on)
}

// repositories are where the digest of n may be.
func (g *containerGatherer) repositories(declared ref.Ref, n identity.Name) []string {
	var out []string
	if declared.Name != "" {
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

// named says by which names the running image is known to go.
func (g *containerGatherer) named(on ref.Platform) {
	r := &g.running
	if k := g.scanner.graph.KindOf(r.Digest); k != "" {
		r.Kind = k
	}
	r.Index, r.Manifest, r.Config = g.scanner.graph.Names(r.Digest, on)
}

// compare compares what runs with what the pod's own specification, and the
// template that it was made from, pin.
func (g *containerGatherer) compare() {
	c := g.class.spec.Container
	on := g.platform()
	if d := c.Ref.Digest; d != "" {
		answer := g.scanner.graph.Compare(d, g.running.Digest, on)
		g.running.Declared = &answer
	}
	if t, err := ref.Parse(c.Template); err == nil && t.Digest != "" {
		answer := g.scanner.graph.Compare(t.Digest, g.running.Digest, on)
		g.running.Template = &answer
	}
}

func (g *containerGatherer) platform() ref.Platform { return g.class.spec.Container.Platform }

// root chooses what is examined as the image that runs: the index or manifest
// that was declared, if that is it; else what the tag names now, if that is it;
// else what the runtime reports. A signature on an index counts only if that
// index was itself given.
func (g *containerGatherer) root() *opened {
	same := func(o *opened) bool {
		return o != nil && o.img != nil && (!g.runs() ||
			g.scanner.graph.Compare(o.img.Root.Doc.Digest, g.running.Digest, g.platform()).Answer == fact.AnswerSame)
	}
	switch {
	case same(g.declared):
		return g.declared
	case same(g.out.tag):
		return g.out.tag
	case g.byDigest != nil:
		return g.byDigest
	}
	return nil
}

func (g *containerGatherer) runs() bool { return g.running.Reported != "" }

var errNotFound = errors.New("the image that runs was found in no registry that was asked")
