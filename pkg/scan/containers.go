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
	groups      []*grouped
	of          map[*class]*ran
	notices     []string
}

// containers examines what the inventories hold, classes first: groups speak of
// what was learned about them.
func (s *scanner) containers(ctx context.Context, places []*inventory) *observed {
	out := &observed{inventories: places}
	var classes []*class
	for _, p := range places {
		classes = append(classes, p.classes...)
	}
	all := make([]*containerGatherer, len(classes))
	s.each(ctx, len(classes), func(ctx context.Context, i int) { all[i] = s.gatherer(ctx, classes[i]) })
	steps := []func(*containerGatherer, context.Context){
		(*containerGatherer).ask, (*containerGatherer).find, (*containerGatherer).more, (*containerGatherer).conclude,
	}
	var done atomic.Int64
	for _, step := range steps {
		s.each(ctx, len(all), func(ctx context.Context, i int) {
			if all[i].asks {
				step(all[i], ctx)
			}
			s.tell("declarations compared", int(done.Add(1)), len(steps)*len(all))
		})
	}
	s.changes(ctx, all)
	for _, g := range all {
		out.rans = append(out.rans, g.out)
	}
	out.of = make(map[*class]*ran, len(classes))
	for _, r := range out.rans {
		out.of[r.class] = r
	}
	for _, p := range places {
		for _, g := range p.groups {
			out.groups = append(out.groups, &grouped{group: g, former: fact.NoList[fact.Revision]()})
		}
	}
	s.join(out)
	s.each(ctx, len(out.groups), func(ctx context.Context, i int) { s.revisions(ctx, out.groups[i]) })
	return out
}

// judgeContainer evaluates the checks on a class, once all is gathered.
func (s *scanner) judgeContainer(r *ran) []check.Result {
	if r.tag != nil && r.tag.err == nil {
		r.set.Tag = r.tag.tag
	}
	r.set.Judged = s.judgedFact(r)
	out := s.scoped(r.set, check.ScopeReference, check.ScopeContainer)
	if r.image == nil && !r.noImage {
		out = append(out, s.unexamined(r.set, Target{Name: r.class.spec.Container.Ref})...)
	}
	return out
}

// judgedFact is what the policy makes of the image that runs.
func (s *scanner) judgedFact(r *ran) fact.Value[fact.Judged] {
	switch {
	case r.set.Running.State == fact.Absent:
		return fact.None[fact.Judged]()
	case r.set.Running.State == fact.Unknown:
		return fact.Missing[fact.Judged](r.set.Running.Cause, r.set.Running.Why)
	case r.image == nil:
		return fact.Missing[fact.Judged](r.set.Image.Cause, r.set.Image.Why)
	}
	return fact.Of(s.judgedImage(r.image, r.class.subject))
}

// gapSet is the facts about what a gap hides: nothing, for its cause.
func gapSet(g observe.Gap) *fact.Set {
	why := g.What + ": " + g.Why
	if g.Hint != "" {
		why += " (" + g.Hint + ")"
	}
	return fact.AllMissing(g.Cause, why)
}
