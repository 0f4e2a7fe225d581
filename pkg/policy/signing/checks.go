package signing

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/expr"
)

// Checks returns SIG001 to SIG006 for images that rule is for: the one that
// matches, captures put in by [Rule.For]; nil if none does.
//
// The requirement of a signature is met by one good signature. If it is not,
// exactly the check that names the cause fails and the others refer to it; if
// something could hide a good signature, SIG001, SIG003 and SIG006 are undecided.
// So a policy must not switch one of SIG001 to SIG004 and SIG006 off beside a
// rule.
func Checks(rule *Rule, opts Options) []check.Check {
	j := &judgement{rule: rule, opts: opts}
	j.err = j.prepare()
	out := []check.Check{
		j.check("SIG001", "image is not signed as required", docs["SIG001"], j.sig001),
		j.check("SIG002", "signature is broken", docs["SIG002"], j.sig002),
		j.check("SIG003", "image is signed by an identity that is not allowed", docs["SIG003"], j.sig003),
		j.check("SIG004", "signature belongs to another image", docs["SIG004"], j.sig004),
		j.check("SIG005", "required attestation is missing or refused", docs["SIG005"], j.sig005),
		j.check("SIG006", "image is signed only at a level not accepted", docs["SIG006"], j.sig006),
	}
	return out
}

// A judgement is a rule made ready.
type judgement struct {
	rule         *Rule
	opts         Options
	signature    *requirement // nil if no signature is required
	attestations []requirement
	err          error
}

func (j *judgement) prepare() error {
	if j.rule == nil || j.rule.None {
		return nil
	}
	anyOf, err := prepare(j.rule.AnyOf, j.opts)
	if err != nil {
		return err
	}
	base := requirement{kind: fact.KindSignature, level: j.rule.Level, anyOf: anyOf, opts: j.opts}
	if len(anyOf) > 0 {
		j.signature = &base
	}
	for _, a := range j.rule.Attestations {
		r := base
		r.kind, r.predicateType = fact.KindAttestation, a.PredicateType
		if len(a.AnyOf) > 0 {
			if r.anyOf, err = prepare(a.AnyOf, j.opts); err != nil {
				return err
			}
		}
		if a.Where != "" {
			if r.where, err = expr.CompileAttestationWhere(a.Where); err != nil {
				return err
			}
		}
		j.attestations = append(j.attestations, r)
	}
	if j.signature == nil && len(j.attestations) == 0 {
		return fmt.Errorf("signature rule %q asks for nothing", j.rule.Name)
	}
	return nil
}

func (j *judgement) check(id, title string, doc check.Doc, run func(*fact.Set) check.Answer) check.Check {
	c := check.Check{
		ID: id, Title: title, Doc: doc, Scopes: []check.Scope{check.ScopeImage},
		Needs: []fact.Kind{fact.KImage}, Uses: []fact.Kind{fact.KListings, fact.KSignatures},
		Run: func(s *fact.Set) check.Answer {
			if j.err != nil {
				return check.Answer{Undecided: true, Cause: fact.Internal, Why: j.err.Error()}
			}
			return run(s)
		},
	}
	if why := j.opts.NotApplicable; why != "" {
		required := id == "SIG001" && j.signature != nil || id == "SIG005" && len(j.attestations) > 0
		if required {
			// What is required and cannot be there was not examined.
			c.Run = func(*fact.Set) check.Answer {
				return check.Answer{Undecided: true, Cause: fact.Unsupported, Why: why + ", and the policy requires one"}
			}
			return c
		}
		c.Applies = func(*fact.Set) string { return why }
	}
	return c
}

func (j *judgement) sig001(s *fact.Set) check.Answer {
	if j.signature == nil {
		return check.Answer{NotAsked: j.notAsked(s)}
	}
	a := j.signature.assess(s)
	if answer, done := a.settled(); done {
		return answer
	}
	var out check.Answer
	for _, g := range a.groups {
		if f := j.missing(s, g); !a.otherLevel && f != nil {
			out.Findings = append(out.Findings, *f)
		}
	}
	if len(out.Findings) == 0 {
		out.NotApplicable = "see " + a.named()
	}
	return out
}

func (j *judgement) sig003(s *fact.Set) check.Answer {
	if j.signature == nil {
		return check.Answer{NotAsked: j.notAsked(s)}
	}
	a := j.signature.assess(s)
	if answer, done := a.settled(); done {
		return answer
	}
	var out check.Answer
	for _, g := range a.groups {
		if a.otherLevel || g.worst.standing != refused {
			continue
		}
		message := fmt.Sprintf("the signature on %s is by %s, who is not allowed", j.name(s, g), signer(g.worst.sig))
		if g.worst.why != "" {
			message = fmt.Sprintf("the signature on %s is by %s: %s", j.name(s, g), signer(g.worst.sig), g.worst.why)
		}
		out.Findings = append(out.Findings, check.Finding{Message: message, Fix: j.allow(s, g)})
	}
	if len(out.Findings) == 0 {
		return a.other()
	}
	return out
}

func (j *judgement) sig006(s *fact.Set) check.Answer {
	if j.signature == nil {
		return check.Answer{NotAsked: j.notAsked(s)}
	}
	a := j.signature.assess(s)
	if answer, done := a.settled(); done {
		return answer
	}
	if !a.otherLevel {
		return a.other()
	}
	return check.Answer{Findings: []check.Finding{{
		Message: fmt.Sprintf("a good signature is there, but none on %s; the policy asks for level %s", j.names(s, a.groups), j.signature.level),
		Fix:     j.sign(s, a.groups) + ", or level: index-or-child in the policy",
	}}}
}

// settled is the answer of SIG001, SIG003 and SIG006 if they do not differ.
func (a assessment) settled() (check.Answer, bool) {
	if a.met {
		return check.Answer{}, true
	}
	if len(a.gaps) > 0 {
		return a.gaps.undecided(), true
	}
	return check.Answer{}, false
}

func (g gaps) undecided() check.Answer {
	cause, why := g.answer()
	return check.Answer{Undecided: true, Cause: cause, Why: why}
}

// other refers to the check that names the cause. What is not known of
// manifests beside those that must be signed could have been the cause.
func (a assessment) other() check.Answer {
	if len(a.anyGaps) > 0 {
		return a.anyGaps.undecided()
	}
	return check.Answer{NotApplicable: "see " + a.named()}
}

// named returns the checks that fail.
func (a assessment) named() string {
	if a.otherLevel {
		return "SIG006"
	}
	var ids []string
	for _, id := range []string{"SIG001", "SIG002", "SIG003", "SIG004"} {
		for _, g := range a.groups {
			if g.id() == id {
				ids = append(ids, id)
				break
			}
		}
	}
	return strings.Join(ids, ", ")
}

// id is the check that fails for a group.
func (g group) id() string {
	switch {
	case g.none:
		return "SIG001"
	case g.worst.standing == broken:
		return "SIG002"
	case g.worst.standing == refused:
		return "SIG003"
	case g.worst.standing == replayed:
		return "SIG004"
	}
	return "SIG001"
}
