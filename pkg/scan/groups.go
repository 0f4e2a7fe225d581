package scan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// groupFacts tells the images that a group runs apart: versions that prove to be
// the same image become one. The facts are large, and made when they are judged.
func (s *scanner) groupFacts(g *group) *fact.Set {
	set := &fact.Set{Revisions: fact.NoList[fact.Revision]()}
	if g.former != nil {
		set.Revisions = *g.former
	}
	if len(g.versions) == 0 {
		set.Group = fact.None[fact.Group]() // nothing of it runs
		return set
	}
	f := fact.Group{
		Workload: g.workload.where, Container: g.container, Template: g.workload.Template,
		Image: g.spec.Container.Image, Rollout: g.rollout,
	}
	for _, v := range g.versions {
		reported := v.class.reported
		n, err := identity.ParseReported(reported)
		if err != nil || n.Digest == "" {
			set.Group = fact.Missing[fact.Group](fact.Unsupported, "the runtime reports "+reported+", which names no bytes")
			return set
		}
		next := fact.Version{
			Reported: reported, Digest: n.Digest, Count: v.count, Since: v.since, Nodes: v.nodes,
			Example: strings.TrimPrefix(g.workload.namespace+"/"+v.pod, "/"), Platform: v.platform(),
			Signed: signedLine(v.class.image), Kind: s.graph.KindOf(n.Digest),
		}
		i := slices.IndexFunc(f.Versions, func(w fact.Version) bool { return s.apart(w, next).Answer == fact.AnswerSame })
		if i >= 0 {
			merge(&f.Versions[i], next)
			continue
		}
		f.Versions = append(f.Versions, next)
	}
	slices.SortStableFunc(f.Versions, func(a, b fact.Version) int { return cmp.Compare(b.Count, a.Count) })
	for i := range f.Versions[1:] {
		f.Versions[i+1].Apart = s.apart(f.Versions[0], f.Versions[i+1])
	}
	set.Group = fact.Of(f)
	return set
}

// merge adds what is the same image to v.
func merge(v *fact.Version, w fact.Version) {
	v.Count += w.Count
	if !w.Since.IsZero() && (v.Since.IsZero() || w.Since.Before(v.Since)) {
		v.Since = w.Since
	}
	for _, n := range w.Nodes {
		v.Nodes = nodesWith(v.Nodes, n)
	}
	v.Example = min(v.Example, w.Example)
}

// apart compares two versions, each on its own platform: the images of one index
// for two platforms are one.
func (s *scanner) apart(v, w fact.Version) fact.Comparison {
	if v.Platform == w.Platform {
		return s.graph.Compare(v.Digest, w.Digest, w.Platform)
	}
	if v.Digest == w.Digest {
		return fact.Comparison{Answer: fact.AnswerSame, Proof: "equal digest"}
	}
	index, _, _ := s.graph.Names(v.Digest, v.Platform)
	if index == "" {
		return fact.Comparison{Why: "they run on different platforms, and no index that holds both is known"}
	}
	return s.graph.Compare(index, w.Digest, w.Platform)
}

// signedLine says in a few words who signed an image, which may be nil; "" if that
// was not looked at.
func signedLine(e *examined) string {
	if e == nil || e.set.Listings.State != fact.Known {
		return ""
	}
	for _, p := range e.set.Listings.Parts {
		if p.State != fact.Known {
			return ""
		}
	}
	if who := signers(e); len(who) > 0 {
		return who[0]
	}
	return "unsigned"
}

// revisions looks whether the former revisions of a group could be had again.
func (s *scanner) revisions(ctx context.Context, g *group) {
	if len(g.revisions) == 0 {
		return
	}
	var out fact.List[fact.Revision]
	out.State = fact.Known
	for _, r := range g.revisions {
		f := fact.Revision{Name: r.Name, Number: r.Number}
		for _, c := range r.Containers {
			f.Images = append(f.Images, s.revisionImage(ctx, g, c))
		}
		out.Parts = append(out.Parts, fact.Of(f))
	}
	if g.missing != "" {
		out.Parts = append(out.Parts, fact.Missing[fact.Revision](fact.Dependency, g.missing))
	}
	g.former = &out
}

func (s *scanner) revisionImage(ctx context.Context, g *group, c observe.RevisionContainer) fact.RevisionImage {
	f := fact.RevisionImage{Container: c.Name, Image: c.Image}
	missing := func(cause fact.Cause, why string) fact.RevisionImage {
		f.Blobs, f.Judged = fact.MissingList[fact.Blob](cause, why), fact.Missing[fact.Judged](cause, why)
		return f
	}
	r, err := ref.Parse(c.Image)
	if err != nil {
		return missing(fact.Unsupported, err.Error())
	}
	f.Ref = r
	if s.Depth == policy.DepthReference {
		return missing(fact.NotAsked, "what the registry has (--depth manifest)")
	}
	as := observe.Container{Namespace: g.workload.namespace, Spec: &observe.Spec{Container: fact.Container{Image: c.Image, Ref: r}}}
	on := ref.Platform{}
	if g.spec != nil {
		as.Spec, on = g.spec, g.spec.Container.Platform
	}
	place, key, err := g.inventory.runtime.Place(ctx, as)
	if err != nil {
		return missing(causeOf(err), describe(err))
	}
	asked := r
	if asked.Tag == "" && asked.Digest == "" {
		asked.Tag = "latest"
	}
	o := s.open(ctx, place, key, asked)
	switch {
	case o.err != nil && image.CauseOf(o.err) == fact.NotFound:
		f = missing(fact.NotFound, describe(o.err))
		f.Blobs = fact.ListOf(fact.Of(fact.Blob{Role: "manifest", Descriptor: ref.Descriptor{Digest: r.Digest}}))
		return f
	case o.err != nil:
		return missing(causeOf(o.err), describe(o.err))
	}
	sel := s.Select
	if on.OS != "" {
		sel = image.Selection{Host: on}
	}
	img := o.img.Selecting(sel)
	f.Blobs = gather.Availability(ctx, img, place.Prober, nil, s.jobs())
	// Judged as what runs is, so that one image is examined once.
	sel = image.Selection{}
	e := s.once(onceKey(o.img.Root.Doc.Digest, r, key, sel), func() *examined {
		t := Target{Text: c.Image, Kind: ref.KindImage, Ref: asked, Name: r, Place: place, runs: true}
		return s.examine(ctx, t, o.img.Selecting(sel))
	})
	f.Judged = fact.Of(s.judgedImage(e, policy.Subject{
		Image: canonical(r), Cluster: g.inventory.runtime.Name, Namespace: g.workload.namespace,
	}))
	return f
}

// judgedImage is what the policy makes of an image where it runs.
func (s *scanner) judgedImage(e *examined, subject policy.Subject) fact.Judged {
	subject.Image = canonical(e.name)
	v := s.Policy.Decide(subject, s.Now, e.images, policy.Run{Depth: s.Depth, Skipped: s.Skipped})
	f := fact.Judged{Image: e.id, Decision: v.Decision.String()}
	for _, r := range v.Reasons {
		if r.Decision == v.Decision && v.Decision != policy.Allow && r.Check != "" {
			f.Reasons = append(f.Reasons, r.Check)
		}
	}
	slices.Sort(f.Reasons)
	f.Reasons = slices.Compact(f.Reasons)
	return f
}
