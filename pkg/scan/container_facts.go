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

// examined examines the image that runs and puts what is known of its platform
// beside the container.
func (g *containerGatherer) examined(ctx context.Context, root *opened) {
	set, declared := g.out.set, g.class.spec.Container.Ref
	if root == nil {
		none := fact.AllMissing(g.lost())
		set.Image, set.Documents, set.Listings, set.Signatures = none.Image, none.Documents, none.Listings, none.Signatures
		set.Config, set.Layers, set.User, set.Filesystem = none.Config, none.Layers, none.User, none.Filesystem
		return
	}
	on := g.platform()
	sel := g.selection(on)
	img := root.img.Selecting(sel)
	name := declared
	if name.Name == "" {
		name = root.to
	}
	t := Target{Text: g.class.spec.Container.Image, Kind: ref.KindImage, Ref: root.to, Name: name, Place: g.place, runs: g.class.found == nil}
	g.out.key = onceKey(img.Root.Doc.Digest, name, g.placeKey, sel)
	e := g.once(g.out.key, func() *examined { return g.examine(ctx, t, img) })
	g.out.image = e
	set.Image, set.Config, set.User, set.Filesystem = e.set.Image, e.set.Config, e.set.User, e.set.Filesystem
	if c := g.child(e); c != nil {
		g.out.label = c.label
		set.Image, set.Config, set.User, set.Filesystem = c.set.Image, c.set.Config, c.set.User, c.set.Filesystem
	}
}

// onceKey tells images apart that are examined because they run.
func onceKey(root ref.Digest, name ref.Ref, place string, sel image.Selection) string {
	return strings.Join([]string{string(root), canonical(name), place, sel.String()}, " ")
}

// selection chooses the platform that runs, where layers are read.
func (g *containerGatherer) selection(on ref.Platform) image.Selection {
	if g.Depth != policy.DepthLayers && g.class.id == "" && g.class.found == nil {
		return image.Selection{}
	}
	if on.OS == "" {
		return g.Select
	}
	return image.Selection{Host: on}
}

// child is the platform of e that runs.
func (g *containerGatherer) child(e *examined) *examinedChild {
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
	if r := g.out.set.Running; r.State == fact.Unknown {
		g.out.err = &image.Error{Op: "tell what runs", Cause: r.Cause, Err: errors.New(r.Why)}
		return r.Cause, r.Why
	}
	for _, o := range []*opened{g.declared, g.out.tag} {
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
func (g *containerGatherer) reference(ctx context.Context) {
	set := g.out.set
	set.Availability = fact.MissingList[fact.Blob](fact.NotAsked, "whether registries still have all blobs of what runs (--depth layers)")
	if e := g.out.image; e != nil {
		set.Availability = e.availability
	}
	o := g.declared
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
	d := g.declared
	switch {
	case d == nil:
	case d.err != nil && image.CauseOf(d.err) == fact.NotFound:
		set.Availability = fact.ListOf(fact.Of(fact.Blob{Role: "manifest", Descriptor: ref.Descriptor{Digest: d.to.Digest}}))
		set.Pin = fact.Missing[fact.Pin](fact.NotFound, describe(d.err))
	case d.err != nil:
		set.Pin = fact.Missing[fact.Pin](causeOf(d.err), describe(d.err))
	default:
		set.Pin = g.pinOf(ctx, d)
	}
}

// forecast says what a start of the same container would bring. It is Absent
// where a digest decides that.
func (g *containerGatherer) forecast() {
	set, o := g.out.set, g.out.tag
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
		if u := g.upstream; u != nil && u.img != nil {
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
