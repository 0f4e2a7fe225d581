package scan

import (
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// running judges what runs.
func (b *builder) running(o *observed) {
	for _, p := range o.inventories {
		b.inventory(p)
		if p.files != nil {
			b.report.Notices = append(b.report.Notices, b.refusedComments(p.files)...)
			for _, object := range p.files.Objects {
				b.object(p, object)
			}
		}
	}
	b.report.Notices = append(b.report.Notices, o.notices...)
	// What was judged can go, so that the report takes its place.
	for i, g := range o.groups {
		b.group(g)
		o.groups[i] = nil
	}
	patches := plans{}
	for i, r := range o.rans {
		b.container(r, patches)
		o.rans[i] = nil
	}
	b.report.Suggestions = patches.suggestions()
}

// inventory writes down one place. Of what could not be seen there every check
// stands in the report as what it is: not examined.
func (b *builder) inventory(p *inventory) {
	out := report.Inventory{Kind: p.Kind, Name: p.Name, Version: p.Version, Finished: p.finished}
	for _, c := range p.Counts {
		out.Counts = append(out.Counts, report.Count(c))
	}
	for _, c := range p.NotAsked {
		out.NotAsked = append(out.NotAsked, report.Capability(c))
	}
	for i, g := range p.Gaps {
		out.Gaps = append(out.Gaps, report.Gap(g))
		set := gapSet(g)
		scopes := []check.Scope{check.ScopeReference, check.ScopeContainer, check.ScopeGroup}
		if p.files != nil {
			scopes = []check.Scope{check.ScopeReference, check.ScopeObject} // nothing of it runs
		}
		results := append(b.scoped(set, scopes...), b.unexamined(set, Target{})...)
		origin := ref.Origin{Kind: p.Kind, Where: p.Name}
		if p.files != nil && i < len(p.files.Problems) {
			origin = p.files.Problems[i].Origin
		}
		b.add(report.Target{
			Kind: report.KindGap, Ref: g.What, Inventory: p.Name, Error: set.Image.Why,
			Origins: report.OriginsOf(report.Origin{Origin: origin}),
		}, policy.Subject{Cluster: p.runtime.Name}, results, nil)
	}
	b.report.Inventories = append(b.report.Inventories, out)
}

func (b *builder) container(r *ran, patches plans) {
	g, k, c := b.gatherer(r), r.class, &r.class.spec.Container
	g.facts()
	patches.add(k, g.set)
	own := b.judgeContainer(r, g.set)
	target := report.Target{
		Kind: ref.KindImage, Ref: c.Image, Container: c.Name, Role: c.Role, Injected: c.Injected, Inventory: k.inventory.Name,
		Origins: k.origins,
	}
	var ignored []extract.Ignore
	if len(k.found) > 0 {
		target.Kind, ignored = k.found[0].Kind, k.found[0].Ignored
		list := k.inventory.packer.List()
		for _, f := range k.found {
			list.Add(report.Origin{Origin: f.Origin, Platform: c.Platform.String()})
		}
		target.Origins = list.Sorted()
	}
	if r.err != nil {
		target.Error, target.Cause = describe(r.err), causeOf(r.err)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeContainer, Set: g.set}}
	}
	label := ""
	if r.child != nil {
		label = r.child.label
	}
	b.addContainer(target, k.subject(), own, r.image, g.set, label, ignored)
}

// object judges something that a file declares and that is no reference.
func (b *builder) object(p *inventory, o extract.Object) {
	set := &fact.Set{Object: fact.Of(o.Fact)}
	target := report.Target{
		Kind: report.KindObject, Ref: strings.TrimSpace(o.Fact.Type + " " + o.Fact.Name), Inventory: p.Name,
		Origins: report.OriginsOf(report.Origin{Origin: o.Origin}),
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeObject, Set: set}}
	}
	b.add(target, policy.Subject{Path: o.Origin.Where}, b.scoped(set, check.ScopeObject), nil, o.Ignored...)
}

func (b *builder) group(g *group) {
	set := b.groupFacts(g)
	target := report.Target{
		Kind: report.KindGroup, Container: g.container, Role: g.role, Inventory: g.inventory.Name,
		Origins: g.inventory.packer.Pack(report.Origin{Origin: ref.Origin{Kind: g.inventory.Kind, Where: g.workload.where, Path: g.workload.Template}}),
	}
	subject := policy.Subject{Cluster: g.inventory.runtime.Name, Namespace: g.workload.namespace}
	if g.spec != nil {
		target.Ref, subject.Image = g.spec.Container.Image, canonical(g.spec.Container.Ref)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeGroup, Set: set}}
	}
	b.add(target, subject, b.scoped(set, check.ScopeGroup), nil)
}
