package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// Evaluate runs c over the facts s of one subject. Run sees only what c
// declares. The outcome is
//
//   - not-applicable if Applies gives a reason, or if c is for images only and
//     this is none;
//   - undecided, or not-asked if that is the only cause, without calling Run, if
//     a single value that c needs is Unknown;
//   - fail if Run finds anything that is no note, whatever else is Unknown;
//   - not-applicable if Run says so, and not-asked, unless a part of a needed list
//     is Unknown for another cause;
//   - undecided if Run says so or if a part of a needed list is Unknown for any
//     cause but [fact.NotAsked], and not-asked if that is the only cause;
//   - pass only if none of these holds.
//
// A panic of c is undecided with cause [fact.Internal]. Evaluate does not change
// s and may be called concurrently. The platform of the Result is left to the
// caller.
func Evaluate(c Check, s *fact.Set) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			result = Result{Check: c.ID, Cause: fact.Internal, Why: fmt.Sprintf("%s panicked: %v", c.ID, p)}
		}
	}()
	if s == nil {
		s = &fact.Set{}
	}
	seen := s.Only(append(slices.Clone(c.Needs), c.Uses...)...)
	if c.Applies != nil {
		if why := c.Applies(seen); why != "" {
			return Result{Check: c.ID, Outcome: NotApplicable, Why: why}
		}
	}
	needs := c.Needs
	if c.Images {
		if v := s.Image; v.State == fact.Known && !isImage(v.V.Class) {
			return Result{Check: c.ID, Outcome: NotApplicable, Why: "class " + string(v.V.Class)}
		}
		if !slices.Contains(needs, fact.KImage) {
			needs = append([]fact.Kind{fact.KImage}, needs...)
		}
	}
	gaps := gapsOf(s, needs)
	if gaps.single {
		return gaps.result(c.ID)
	}
	return conclude(c.ID, c.Run(seen), gaps)
}

func isImage(c fact.Class) bool { return c == fact.ClassImage || c == fact.ClassIndex }

// conclude joins what Run says with what is not known.
func conclude(id string, a Answer, g gaps) Result {
	r := Result{Check: id, Findings: sorted(a.Findings)}
	switch {
	case slices.ContainsFunc(a.Findings, func(f Finding) bool { return !f.Note }):
		r.Outcome = Fail
		if a.Undecided {
			g.add(a.Cause, a.Why)
		}
		if len(g.whys) > 0 {
			// Where all findings are excepted, what was not examined still stands.
			u := g.result(id)
			r.Cause, r.Why = u.Cause, u.Why
		}
	case a.NotApplicable != "":
		r.Outcome, r.Why = NotApplicable, a.NotApplicable
	case a.NotAsked != "" && (len(g.whys) == 0 || g.declined):
		r.Outcome, r.Cause, r.Why = NotAsked, fact.NotAsked, a.NotAsked
	case a.Undecided:
		g.add(a.Cause, a.Why)
		fallthrough
	case len(g.whys) > 0:
		u := g.result(id)
		r.Outcome, r.Cause, r.Why = u.Outcome, u.Cause, u.Why
	default:
		r.Outcome = Pass
	}
	return r
}

// gaps is what a check needs and nobody knows.
type gaps struct {
	single   bool // a single value is among them
	declined bool // all of them were not asked for
	cause    fact.Cause
	whys     []string
}

func gapsOf(s *fact.Set, needs []fact.Kind) gaps {
	var g gaps
	for _, k := range needs {
		all := s.Statuses(k)
		unknown := slices.DeleteFunc(slices.Clone(all), func(st fact.Status) bool { return st.State != fact.Unknown })
		if len(unknown) == 0 {
			continue
		}
		if !fact.IsList(k) {
			g.single = true
		}
		// One line for each cause in a list: a hundred layers that a lost network
		// kept away are one reason.
		for _, cause := range causesOf(unknown) {
			of := slices.DeleteFunc(slices.Clone(unknown), func(st fact.Status) bool { return st.Cause != cause })
			why := of[0].Why
			if why == "" {
				why = string(k) + " was not gathered"
				if cause != fact.NotGathered {
					why = string(k) + ": " + string(cause)
				}
			}
			if fact.IsList(k) && all[0].State == fact.Known && len(all) > 2 {
				why = fmt.Sprintf("%d of %d %s: %s", len(of), len(all)-1, k, why)
			}
			g.add(cause, why)
		}
	}
	return g
}

func causesOf(unknown []fact.Status) []fact.Cause {
	var out []fact.Cause
	for _, st := range unknown {
		if !slices.Contains(out, st.Cause) {
			out = append(out, st.Cause)
		}
	}
	return out
}

// add notes one more gap. A fact that a check needs and nobody gathered is a
// fault of ours. What was not asked for gives way to what could not be done.
func (g *gaps) add(c fact.Cause, why string) {
	if c == fact.NotGathered {
		c = fact.Internal
	}
	declined := c == fact.NotAsked
	switch {
	case len(g.whys) == 0 || g.declined && !declined:
		g.cause, g.declined, g.whys = c, declined, nil
	case declined && !g.declined:
		return
	}
	if !slices.Contains(g.whys, why) {
		g.whys = append(g.whys, why)
	}
}

func (g *gaps) result(id string) Result {
	r := Result{Check: id, Outcome: Undecided, Cause: g.cause, Why: strings.Join(g.whys, "; ")}
	if g.declined {
		r.Outcome = NotAsked
	}
	return r
}
