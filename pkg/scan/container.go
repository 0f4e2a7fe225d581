package scan

import (
	"context"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
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
	label   string  // of the platform of the image that runs
	err     error   // why there is no image
	noImage bool    // it is none
}

// gatherer prepares to gather the facts about one class.
func (s *scanner) gatherer(ctx context.Context, k *class) *containerGatherer {
	if k.found != nil {
		return s.declaredGatherer(k)
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
		g.asks = true
	}
	return g
}

// writtenAs is the fact about how the image of k is declared.
func (s *scanner) writtenAs(k *class) fact.Value[fact.Reference] {
	c := k.spec.Container
	// No workload: there may be many, and they are the origins of the target.
	at := ref.Origin{Kind: c.Runtime, Path: c.Name}
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

	asks     bool      // registries are to be asked; if not all is gathered
	declared *opened   // what the declared digest names
	byDigest *opened   // what the running digest names
	tried    []*opened // where the running digest was asked for
	cached   *opened   // what the tag means on the node
	upstream *opened   // what the tag means where a mirror has it from
	names    []identity.Name
	compared *examinedChild // what the container's files are to be compared with; nil = nothing
	runs     bool           // something runs, and its digest is known
	running  fact.Running
}

// unasked marks all that a registry would have told. What the runtime says can
// still be told apart by its digest.
func (g *containerGatherer) unasked(c fact.Cause, why string) {
	set := *g.out.set
	*g.out.set = *fact.AllMissing(c, why)
	s := g.out.set
	s.Reference, s.Container, s.Settings = set.Reference, set.Container, set.Settings
	s.Tag, s.Pin, s.Push, s.Declared, s.TagHistory = set.Tag, set.Pin, set.Push, set.Declared, set.TagHistory
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
	g.runs = true
	g.names = []identity.Name{n}
	if k.manifest != "" {
		g.names = append(g.names, identity.Name{Digest: k.manifest})
	}
	for _, also := range k.also {
		if n, err := identity.ParseReported(also); err == nil && n.Digest != "" {
			g.names = append(g.names, n)
		}
	}
	g.running = fact.Running{Reported: k.reported, Digest: n.Digest, Kind: k.first.ReportedKind, Repository: n.Repository}
	return true
}
