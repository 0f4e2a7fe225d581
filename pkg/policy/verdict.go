package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// A Verdict is what a policy makes of the results for one subject. The zero
// value is Undecided.
type Verdict struct {
	Decision Decision `json:"decision"`
	// Reasons are the results that led to more than Allow, worst first, and the
	// failures that exceptions accept.
	Reasons []Reason `json:"reasons,omitempty"`

	// Judgements are what became of each result, in the order they were given.
	Judgements []Judgement `json:"-"`
	// AcceptedUndecided counts the denied checks that are undecided where the
	// policy says `undecided: warn`.
	AcceptedUndecided int `json:"-"`
	// Uses are the exceptions whose images are this subject.
	Uses []ExceptionUse `json:"-"`
}

// A Reason is one cause of a Verdict.
type Reason struct {
	Check     string   `json:"check,omitempty"` // "" = about the whole
	Platform  string   `json:"platform,omitempty"`
	Decision  Decision `json:"decision"`
	Rule      string   `json:"rule,omitempty"`
	Exception string   `json:"exception,omitempty"`
	Why       string   `json:"why,omitempty"` // of undecided
}

// A Judgement is what a policy makes of one result.
type Judgement struct {
	Level    Level
	Rule     string
	Decision Decision      // what this result alone leads to; Allow if to nothing
	Outcome  check.Outcome // the one that counted
	Why      string        // of an Outcome that is undecided
	// Excepted counts the findings that exceptions accept. They stay in the result.
	Excepted int
	// Findings holds one for each finding of the result.
	Findings []FindingJudgement
}

// A FindingJudgement says whether a finding is accepted.
type FindingJudgement struct {
	Excepted bool
	// By are the exceptions that accept it or, if it is not Excepted, some of its
	// paths.
	By []string
	// Paths counts the listed paths that exceptions accept.
	Paths int
}

// A Run says what a command line took away from what its policy asks. The zero
// value is nothing.
type Run struct {
	// Depth is how far the subject was examined; "" is as far as the policy asks.
	Depth Depth
	// Skipped are the checks and families that were switched off.
	Skipped []string
	// Accepts, if set, says by what a finding is accepted beside the policy's
	// exceptions: a comment in a file, an earlier report. "" = it is not. It must
	// be a pure function.
	Accepts func(id string, f check.Finding) string
}

// Decide judges the results of one subject. It is a pure function.
//
//   - a denied check that fails: Deny
//   - else a denied check that is undecided: Undecided, or with `undecided: warn`
//     Warn, counted in AcceptedUndecided; not SIG of signers that were asked for
//   - else a check that is warned about and fails or is undecided: Warn
//   - else Allow
//
// not-asked leads to nothing, unless the policy asked and run took it away: then
// it is undecided. If no result of a check that is not off says anything but
// not-asked, nothing was examined, and that is Undecided. The zero Policy is
// always Undecided.
func (p *Policy) Decide(s Subject, now time.Time, results []check.Result, run Run) Verdict {
	if p == nil || p.layers == nil {
		return Verdict{Reasons: []Reason{{Why: "no policy was loaded"}}}
	}
	v := Verdict{Decision: Allow, Uses: p.uses(s, now), Judgements: make([]Judgement, 0, len(results))}
	examined := false
	for _, r := range results {
		j := p.judge(s, r, run, v.Uses)
		v.Judgements = append(v.Judgements, j)
		examined = examined || j.Level != LevelOff && j.Outcome != check.NotAsked
		if j.Decision == Warn && j.Level == LevelDeny {
			v.AcceptedUndecided++
		}
		v.Decision = Worst(v.Decision, j.Decision)
		v.Reasons = append(v.Reasons, reasonsOf(r, j)...)
	}
	if !examined {
		v.Decision = Worst(v.Decision, Undecided)
		v.Reasons = append(v.Reasons, Reason{Decision: Undecided, Why: "nothing was examined"})
	}
	slices.SortStableFunc(v.Reasons, func(a, b Reason) int {
		if d := b.Decision.severity() - a.Decision.severity(); d != 0 {
			return d
		}
		return strings.Compare(a.Check+" "+a.Platform, b.Check+" "+b.Platform)
	})
	return v
}

func (p *Policy) judge(s Subject, r check.Result, run Run, uses []ExceptionUse) Judgement {
	j := Judgement{Decision: Allow, Outcome: r.Outcome}
	j.Level, j.Rule = p.Level(r.Check, s)
	left := p.except(&j, r, uses, run)
	switch r.Outcome {
	case check.Pass, check.NotApplicable:
	case check.Fail:
		// What is accepted is what was found. If parts could not be examined, what
		// they hold is not accepted with it, nor what was taken away.
		switch {
		case left || r.Cause == fact.NotGathered:
		case r.Cause != fact.NotAsked:
			j.Outcome, j.Why = check.Undecided, r.Why
		default:
			if why := p.tookAway(s, r.Check, run); why != "" {
				j.Outcome, j.Why = check.Undecided, why
			}
		}
	case check.NotAsked:
		if why := p.tookAway(s, r.Check, run); why != "" {
			j.Outcome, j.Why = check.Undecided, why
		}
	default: // undecided, and what does not exist
		j.Outcome, j.Why = check.Undecided, r.Why
	}
	switch {
	case j.Level == LevelOff:
	case j.Outcome == check.Fail && left && j.Level == LevelWarn:
		j.Decision = Warn
	case j.Outcome == check.Fail && left:
		j.Decision = Deny
	case j.Outcome == check.Undecided && (j.Level == LevelWarn || p.undecidedWarns && !(p.signerAsked && familyOf(r.Check) == "SIG")):
		j.Decision = Warn
	case j.Outcome == check.Undecided:
		j.Decision = Undecided
	}
	return j
}

// tookAway says what of run keeps check id from being decided although the
// policy asks for it, or "".
func (p *Policy) tookAway(s Subject, id string, run Run) string {
	if familyOf(id) == "SIG" && !p.asksForSignature(s) {
		return ""
	}
	if slices.Contains(run.Skipped, id) || slices.Contains(run.Skipped, familyOf(id)) {
		return "it was switched off"
	}
	asked, d := p.depth, run.Depth.order()
	if familyOf(id) == "SIG" && asked.order() < DepthManifest.order() {
		asked = DepthManifest // what a rule requires is asked for, whatever the policy says beside it
	}
	if d > 0 && slices.ContainsFunc(p.needs(id), func(n int) bool { return n > d && n <= asked.order() }) {
		return fmt.Sprintf("the depth was %s and the policy asks for %s", run.Depth, asked)
	}
	return ""
}

// needs are the depths at which what check id reads is gathered, as orders. Of a
// check that is not known they are all.
func (p *Policy) needs(id string) []int {
	c, ok := p.known[id]
	if !ok {
		return []int{DepthReference.order(), DepthManifest.order(), DepthLayers.order()}
	}
	var out []int
	for _, k := range slices.Concat(c.Needs, c.Uses) {
		d := DepthManifest
		switch k {
		case fact.KReference, fact.KContainer, fact.KSettings:
			d = DepthReference
		case fact.KLayers, fact.KUser, fact.KFilesystem:
			d = DepthLayers
		case fact.KAvailability: // of what runs it is asked with the layers only
			out = append(out, DepthLayers.order())
		}
		out = append(out, d.order())
	}
	return out
}

func reasonsOf(r check.Result, j Judgement) []Reason {
	reason := Reason{Check: r.Check, Platform: r.Platform, Decision: j.Decision, Rule: j.Rule, Why: j.Why}
	if j.Excepted > 0 && j.Decision != Deny {
		var by []string
		for _, f := range j.Findings {
			by = append(by, f.By...)
		}
		slices.Sort(by)
		reason.Exception = strings.Join(slices.Compact(by), "; ")
	}
	if j.Level == LevelOff || j.Decision == Allow && reason.Exception == "" {
		return nil
	}
	return []Reason{reason}
}
