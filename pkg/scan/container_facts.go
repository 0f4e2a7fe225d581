package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// facts puts together in g.set what is known about the class. Nothing is asked any
// more.
func (g *containerGatherer) facts() {
	r, k := g.out, g.class
	if len(k.found) > 0 {
		g.set = g.declaredFacts(k)
	} else {
		g.set = g.runtimeFacts(k)
	}
	switch {
	case r.asks:
		g.set.Running = g.runningFact()
		g.examined()
		g.reference()
		g.forecast()
		g.filesFacts()
	case !k.noImage():
		g.unasked()
	}
	if r.declares != nil {
		g.set.Declared = fact.Of(*r.declares)
	}
}

// unasked marks all that a registry would have told. What the runtime says can
// still be told apart by its digest.
func (g *containerGatherer) unasked() {
	c, why := g.scanner.unasked(g.out)
	known, s := g.set, fact.AllMissing(c, why)
	s.Reference, s.Container, s.Settings = known.Reference, known.Container, known.Settings
	s.Tag, s.Pin, s.Push, s.Declared, s.TagHistory = known.Tag, known.Pin, known.Push, known.Declared, known.TagHistory
	s.Running = g.runningFact()
	if g.nothing() {
		s.Forecast, s.Judged, s.Changes = fact.None[fact.Forecast](), fact.None[fact.Judged](), fact.NoList[fact.FileChange]()
	}
	g.set = s
}

// runningFact is what runs, as far as it is known.
func (g *containerGatherer) runningFact() fact.Value[fact.Running] {
	switch {
	case g.nothing():
		return fact.None[fact.Running]()
	case !g.runs:
		return fact.Missing[fact.Running](fact.Unsupported, g.unread)
	case g.out.asks:
		g.settle()
	default:
		g.running.UnheardCause, g.running.Unheard = g.scanner.unasked(g.out)
	}
	g.compare()
	return fact.Of(g.running)
}

// examined puts what is known of the image that runs, and of its platform, beside
// the container.
func (g *containerGatherer) examined() {
	set, e := g.set, g.out.image
	if e == nil {
		none := fact.AllMissing(g.lost())
		set.Image, set.Documents, set.Listings, set.Signatures = none.Image, none.Documents, none.Listings, none.Signatures
		set.Config, set.Layers, set.User, set.Filesystem = none.Config, none.Layers, none.User, none.Filesystem
		return
	}
	from := e.set
	if c := g.out.child; c != nil {
		from = c.set
	}
	set.Image, set.Config, set.User, set.Filesystem = from.Image, from.Config, from.User, from.Filesystem
}

// examine examines the image of root, once for all that run it.
func (g *containerGatherer) examine(ctx context.Context, root *opened) *examined {
	on := g.platform()
	sel := g.selection(on)
	img := root.img.Selecting(sel)
	name := g.class.spec.Container.Ref
	if name.Name == "" {
		name = root.to
	}
	t := Target{Text: g.class.spec.Container.Image, Kind: ref.KindImage, Ref: root.to, Name: name, Place: g.out.place.Place, runs: len(g.class.found) == 0}
	return g.once(onceKey(img.Root.Doc.Digest, name, g.out.place.key, sel), func() *examined { return g.scanner.examine(ctx, t, img) })
}

// onceKey tells images apart that are examined because they run.
func onceKey(root ref.Digest, name ref.Ref, place string, sel image.Selection) string {
	return strings.Join([]string{string(root), canonical(name), place, sel.String()}, " ")
}

// selection chooses the platform that runs, where layers are read.
func (g *containerGatherer) selection(on ref.Platform) image.Selection {
	if g.Depth != policy.DepthLayers && g.class.id == "" && len(g.class.found) == 0 {
		return image.Selection{}
	}
	if on.OS == "" {
		return g.Select
	}
	return image.Selection{Host: on}
}

// child is the platform of e that runs; nil if that is not known.
func (g *containerGatherer) childOf(e *examined) *examinedChild {
	manifest := g.running.Manifest
	if !g.runs {
		_, manifest, _ = g.graph.Names(e.img.Root.Doc.Digest, g.platform())
	}
	i := slices.IndexFunc(e.children, func(c examinedChild) bool { return manifest != "" && c.child.Desc.Digest == manifest })
	if i < 0 {
		return nil
	}
	return &e.children[i]
}

// lost says why there is no image.
func (g *containerGatherer) lost() (fact.Cause, string) {
	if r := g.set.Running; r.State == fact.Unknown {
		g.out.err = &image.Error{Op: "tell what runs", Cause: r.Cause, Err: errors.New(r.Why)}
		return r.Cause, r.Why
	}
	for _, o := range []*opened{g.out.declared, g.out.tag} {
		if !g.runs && o != nil && o.err != nil {
			g.out.err = o.err
			return causeOf(o.err), describe(o.err)
		}
	}
	if g.running.Unheard != "" {
		return g.running.UnheardCause, g.running.Unheard
	}
	g.out.err = errNotFound
	return fact.NotFound, errNotFound.Error()
}

// reference gathers the facts about what is declared.
func (g *containerGatherer) reference() {
	set := g.set
	set.Availability = fact.MissingList[fact.Blob](fact.NotAsked, "whether registries still have all blobs of what runs (--depth layers)")
	if e := g.out.image; e != nil {
		set.Availability = e.availability
	}
	o := g.out.declared
	if o == nil {
		o = g.out.tag
	}
	switch {
	case o == nil:
		set.Resolution = fact.Missing[fact.Resolution](fact.Unsupported, "there is no reference")
	case o.err != nil:
		set.Resolution = fact.Missing[fact.Resolution](causeOf(o.err), describe(o.err))
	default:
		set.Resolution = gather.Resolution(o.img, o.to)
	}
	d := g.out.declared
	switch {
	case d == nil:
	case d.err != nil && image.CauseOf(d.err) == fact.NotFound:
		set.Availability = fact.ListOf(fact.Of(fact.Blob{Role: "manifest", Descriptor: ref.Descriptor{Digest: d.to.Digest}}))
		set.Pin = fact.Missing[fact.Pin](fact.NotFound, describe(d.err))
	case d.err != nil:
		set.Pin = fact.Missing[fact.Pin](causeOf(d.err), describe(d.err))
	default:
		set.Pin = d.pin.fact // asked in conclude
	}
}

// forecast says what a start of the same container would bring. It is Absent
// where a digest decides that.
func (g *containerGatherer) forecast() {
	set, o := g.set, g.out.tag
	switch {
	case set.Running.State == fact.Absent || g.class.spec.Container.Ref.Digest != "":
		set.Forecast = fact.None[fact.Forecast]()
		return
	case !g.runs:
		set.Forecast = fact.Missing[fact.Forecast](set.Running.Cause, set.Running.Why)
		return
	case o == nil:
		set.Forecast = fact.Missing[fact.Forecast](fact.Unsupported, fmt.Sprintf("%q is no reference", g.class.spec.Container.Image))
		return
	case o.err != nil && image.CauseOf(o.err) != fact.NotFound:
		set.Forecast = fact.Missing[fact.Forecast](causeOf(o.err), describe(o.err))
		return
	}
	declared, on := g.class.spec.Container.Ref, g.platform()
	f := fact.Forecast{Tag: o.to.Tag, PullPolicy: pullPolicy(g.class.spec.Settings, declared), Now: fact.Comparison{Why: "the tag names nothing"}}
	if o.img != nil {
		f.PointsTo = o.img.Root.Doc.Digest
		f.Now = g.graph.Compare(f.PointsTo, g.running.Digest, on)
	}
	if d := g.class.nodeTag; d != "" {
		answer := g.graph.Compare(d, g.running.Digest, on)
		f.OnNode, f.Cached = d, &answer
	}
	if g.Policy.UpstreamOf(declared.Canonical()) != declared.Canonical() {
		f.Mirror = declared.Registry()
		if u := g.out.upstream; u != nil && u.img != nil {
			f.Upstream = u.img.Root.Doc.Digest
		}
	}
	set.Forecast = fact.Of(f)
	set.Forecast.At, set.Forecast.Source = o.at, o.to.Canonical()
}

// pullPolicy is the policy that decides: the stated one, else Kubernetes'
// default, which follows from the tag alone. Docker and containerd pull what
// they do not have.
//
// https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
func pullPolicy(s fact.Settings, r ref.Ref) string {
	switch {
	case s.PullPolicy != "":
		return s.PullPolicy
	case r.Tag == "latest" || r.Tag == "" && r.Digest == "":
		return "Always"
	}
	return "IfNotPresent"
}
