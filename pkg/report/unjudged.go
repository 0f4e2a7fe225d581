package report

import (
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// AddTarget counts the results of t; if no check says anything of it, what it is to
// be judged by is undecided, once.
func (c *Counts) AddTarget(t Target) {
	if len(t.Results) == 0 && t.Image == "" && t.Verdict.Decision == policy.Undecided {
		c.Undecided++
		c.Open++
	}
	c.Add(t.Results)
}

// Unjudged is the target of a reference that nobody judged, and why. No check says
// anything of it, and what is about the whole does.
func Unjudged(name, why string, cause fact.Cause) Target {
	return Target{
		Kind: ref.KindImage, Ref: name, Results: []*Result{}, Error: why, Cause: cause,
		Verdict: policy.Verdict{Decision: policy.Undecided, Reasons: []policy.Reason{{Decision: policy.Undecided, Why: why}}},
	}
}
