package scan

import (
	"context"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A ran is what was learned about one class of containers. Their facts are large:
// they are put together from this, whenever they are wanted.
type ran struct {
	class *class
	place *placed // nil if nothing is asked
	asks  bool    // registries are to be asked; if not all is gathered
	err   error   // why there is no image

	declared *opened   // what the declared digest names
	tag      *opened   // of the tag that decides; nil if none does
	tried    []*opened // where the running digest was asked for
	cached   *opened   // what the tag means on the node
	upstream *opened   // what the tag means where a mirror has it from

	image    *examined      // nil if the image that runs was not found
	child    *examinedChild // the platform of it that runs; nil if that is not known
	changes  *fact.List[fact.FileChange]
	declares *fact.Declared // what files declare about it; nil = none were compared
}

// A placed is a Place, held once for all classes in it.
type placed struct {
	Place
	key string
}

type placedKey struct {
	inventory *inventory
	key       string
}

// noImage reports whether k names something that is in no registry, such as an
// action: then what is written is all.
func (k *class) noImage() bool {
	return len(k.found) > 0 && (k.found[0].Built || k.found[0].Unresolved == "" && !k.imageLike())
}

// prepare says whether and where registries are asked about a class.
func (s *scanner) prepare(ctx context.Context, r *ran) {
	k := r.class
	var place Place
	key := ""
	switch {
	case k.noImage():
		return
	case len(k.found) > 0 && k.found[0].Unresolved != "":
		r.err = fmt.Errorf("%q is not resolved: %s", k.found[0].Raw, k.found[0].Unresolved)
	case s.Depth == policy.DepthReference:
		return
	case len(k.found) > 0:
		place = k.inventory.files.Place
	default:
		place, key, r.err = k.inventory.runtime.Place(ctx, k.container())
	}
	if r.err != nil {
		return
	}
	r.asks = true
	s.mu.Lock()
	defer s.mu.Unlock()
	at := placedKey{k.inventory, key}
	if r.place = s.places[at]; r.place == nil {
		r.place = &placed{place, key}
		s.places[at] = r.place
	}
}

// unasked says why registries are not asked about r.
func (s *scanner) unasked(r *ran) (fact.Cause, string) {
	switch {
	case len(r.class.found) > 0 && r.err != nil:
		return fact.Unsupported, r.err.Error()
	case r.err != nil:
		return causeOf(r.err), describe(r.err)
	}
	return fact.NotAsked, "what the reference names (--depth manifest)"
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

// runtimeFacts are the facts about a class that runs, before anything is asked of
// a registry.
func (s *scanner) runtimeFacts(k *class) *fact.Set {
	c, settings := k.spec.Container, k.spec.Settings
	if c.Template != "" {
		c.Rewrite = identity.Rewrite(c.Template, c.Image, s.Policy.UpstreamOf)
	}
	settings.Runtime = c.Runtime
	return &fact.Set{
		Reference: s.writtenAs(k), TagHistory: s.history(c.Ref),
		Container: fact.Of(c), Settings: fact.Of(settings), Declared: fact.None[fact.Declared](),
		Push: fact.None[fact.Push](), Pin: fact.None[fact.Pin](), Tag: fact.None[fact.Tag](),
	}
}

// A containerGatherer works on one class. It is made anew for each step: what is
// to be kept is in out.
type containerGatherer struct {
	*scanner
	out   *ran
	class *class
	graph *identity.Graph // what containers know; it hides the scanner's

	names    []identity.Name
	runs     bool   // something runs, and its digest is known
	unread   string // why it is not known
	running  fact.Running
	byDigest *opened // what the running digest names

	set   *fact.Set // set by facts
	wants bool      // that files are compared
}

// gatherer reads what the runtime reports about r's class.
func (s *scanner) gatherer(r *ran) *containerGatherer {
	g := &containerGatherer{scanner: s, out: r, class: r.class, graph: s.graph}
	if s.settled != nil {
		g.graph = s.settled
	}
	k := r.class
	if k.reported == "" {
		return g
	}
	n, err := identity.ParseReported(k.reported)
	if err != nil || n.Digest == "" {
		g.unread = fmt.Sprintf("the runtime reports %q, which names no bytes", k.reported)
		if err != nil {
			g.unread = err.Error()
		}
		return g
	}
	g.runs = true
	g.names = []identity.Name{n}
	if k.manifest != "" {
		g.names = append(g.names, identity.Name{Digest: k.manifest})
	}
	for _, also := range k.first.also {
		if n, err := identity.ParseReported(also); err == nil && n.Digest != "" {
			g.names = append(g.names, n)
		}
	}
	g.running = fact.Running{Reported: k.reported, Digest: n.Digest, Kind: k.first.kind, Repository: n.Repository}
	return g
}

// nothing reports whether nothing runs.
func (g *containerGatherer) nothing() bool { return g.class.reported == "" }

// open resolves r where the class's images are pulled from.
func (g *containerGatherer) open(ctx context.Context, r ref.Ref) *opened {
	return g.scanner.open(ctx, g.out.place.Place, g.out.place.key, r)
}
