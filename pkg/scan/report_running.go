package scan

import (
	"slices"
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
	b.report.Suggestions = b.suggestions(o)
	for _, r := range o.rans {
		b.container(r)
		r.set = nil // large, and judged now
	}
	for _, g := range o.groups {
		b.group(g, o.of)
	}
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
			Origins: []report.Origin{{Origin: origin}},
		}, policy.Subject{Cluster: p.runtime.Name}, results, nil, "")
	}
	b.report.Inventories = append(b.report.Inventories, out)
}

func (b *builder) container(r *ran) {
	c := r.class.spec.Container
	own := b.judgeContainer(r)
	target := report.Target{
		Kind: ref.KindImage, Ref: c.Image, Container: c.Name, Role: c.Role, Injected: c.Injected, Inventory: r.class.inventory.Name,
		Origins: make([]report.Origin, 0, len(r.class.origins)),
	}
	platform := c.Platform.String()
	var ignored []extract.Ignore
	if f := r.class.found; f != nil {
		target.Kind, ignored = f.Kind, f.Ignored
	}
	for _, o := range r.class.origins {
		if o.found != nil {
			target.Origins = append(target.Origins, report.Origin{Origin: o.found.Origin, Platform: platform})
			continue
		}
		target.Origins = append(target.Origins, report.Origin{
			Origin:  ref.Origin{Kind: c.Runtime, Where: o.workload.where, Path: o.pod},
			Running: r.class.reported, Node: o.node, Platform: platform,
		})
	}
	slices.SortFunc(target.Origins, compareOrigin)
	r.class.origins = nil // they are in the report now
	if r.err != nil {
		target.Error, target.Cause = describe(r.err), causeOf(r.err)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeContainer, Set: r.set}}
	}
	b.addContainer(target, r.class.subject, own, r.image, r.key, r.set, r.label, ignored)
}

// object judges something that a file declares and that is no reference.
func (b *builder) object(p *inventory, o extract.Object) {
	set := &fact.Set{Object: fact.Of(o.Fact)}
	target := report.Target{
		Kind: report.KindObject, Ref: strings.TrimSpace(o.Fact.Type + " " + o.Fact.Name), Inventory: p.Name,
		Origins: []report.Origin{{Origin: o.Origin}},
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeObject, Set: set}}
	}
	b.add(target, policy.Subject{Path: o.Origin.Where}, b.scoped(set, check.ScopeObject), nil, "", o.Ignored...)
}

func (b *builder) group(g *grouped, of map[*class]*ran) {
	set := b.groupFacts(g, of)
	target := report.Target{
		Kind: report.KindGroup, Container: g.container, Role: g.role, Inventory: g.inventory.Name,
		Origins: []report.Origin{{Origin: ref.Origin{Kind: g.inventory.Kind, Where: g.workload.where, Path: g.workload.Template}}},
	}
	subject := policy.Subject{Cluster: g.inventory.runtime.Name, Namespace: g.workload.namespace}
	if g.spec != nil {
		target.Ref, subject.Image = g.spec.Container.Image, canonical(g.spec.Container.Ref)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeGroup, Set: set}}
	}
	b.add(target, subject, b.scoped(set, check.ScopeGroup), nil, "")
}
