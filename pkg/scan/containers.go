package scan

import (
	"context"
	"sync/atomic"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// An observed is what all runtimes hold and what was learned about it.
type observed struct {
	inventories []*inventory
	rans        []*ran
	groups      []*group
	notices     []string
}

// containers examines what the inventories hold, classes first: groups speak of
// what was learned about them.
func (s *scanner) containers(ctx context.Context, places []*inventory) *observed {
	out := &observed{inventories: places}
	for _, p := range places {
		for _, k := range p.classes {
			out.rans = append(out.rans, &ran{class: k})
		}
		out.groups = append(out.groups, p.groups...)
		p.classes, p.groups = nil, nil // so that each can go when it is judged
	}
	s.each(ctx, len(out.rans), func(ctx context.Context, i int) { s.prepare(ctx, out.rans[i]) })
	steps := []func(*containerGatherer, context.Context){
		(*containerGatherer).ask, (*containerGatherer).find, (*containerGatherer).more, (*containerGatherer).conclude,
	}
	var done atomic.Int64
	for _, step := range steps {
		s.each(ctx, len(out.rans), func(ctx context.Context, i int) {
			if r := out.rans[i]; r.asks {
				step(s.gatherer(r), ctx)
			}
			s.tell("declarations compared", int(done.Add(1)), len(steps)*len(out.rans))
		})
	}
	s.settled, s.graph = s.graph, s.graph.Clone()
	s.changes(ctx, out.rans)
	s.join(out)
	s.each(ctx, len(out.groups), func(ctx context.Context, i int) { s.revisions(ctx, out.groups[i]) })
	return out
}

// judgeContainer evaluates the checks on a class by what is known about it.
func (s *scanner) judgeContainer(r *ran, set *fact.Set) []check.Result {
	if r.tag != nil && r.tag.err == nil {
		set.Tag = r.tag.tag
	}
	set.Judged = s.judgedFact(r, set)
	out := s.scoped(set, check.ScopeReference, check.ScopeContainer)
	if r.image == nil && !r.class.noImage() {
		out = append(out, s.unexamined(set, Target{Name: r.class.spec.Container.Ref})...)
	}
	return out
}

// judgedFact is what the policy makes of the image that runs.
func (s *scanner) judgedFact(r *ran, set *fact.Set) fact.Value[fact.Judged] {
	switch {
	case set.Running.State == fact.Absent:
		return fact.None[fact.Judged]()
	case set.Running.State == fact.Unknown:
		return fact.Missing[fact.Judged](set.Running.Cause, set.Running.Why)
	case r.image == nil:
		return fact.Missing[fact.Judged](set.Image.Cause, set.Image.Why)
	}
	return fact.Of(s.judgedImage(r.image, r.class.subject()))
}

// gapSet is the facts about what a gap hides: nothing, for its cause.
func gapSet(g observe.Gap) *fact.Set {
	why := g.What + ": " + g.Why
	if g.Hint != "" {
		why += " (" + g.Hint + ")"
	}
	return fact.AllMissing(g.Cause, why)
}
