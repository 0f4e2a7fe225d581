package signing

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func (j *judgement) sig005(s *fact.Set) check.Answer {
	if len(j.attestations) == 0 {
		why := "no rule requires an attestation"
		if j.rule != nil && j.rule.None {
			why = "the policy requires no attestation (none: true)"
		}
		return check.Answer{NotAsked: why}
	}
	var out check.Answer
	var open gaps
	for _, r := range j.attestations {
		a := r.assess(s)
		switch {
		case a.met:
		case len(a.gaps) > 0:
			open = append(open, a.gaps...)
		case len(a.anyGaps) > 0 && a.otherLevel:
			open = append(open, a.anyGaps...)
		default:
			out.Findings = append(out.Findings, j.unattested(s, r, a)...)
		}
	}
	if len(open) > 0 {
		u := open.undecided()
		u.Findings = out.Findings
		return u
	}
	return out
}

func (j *judgement) unattested(s *fact.Set, r requirement, a assessment) []check.Finding {
	fix := j.attest(s, r, a.groups)
	if a.otherLevel {
		return []check.Finding{{
			Message: fmt.Sprintf("an attestation %q is there, but none on %s; the policy asks for level %s", r.predicateType, j.names(s, a.groups), r.level),
			Fix:     fix + ", or level: index-or-child in the policy",
		}}
	}
	var out []check.Finding
	for _, g := range a.groups {
		name := j.name(s, g)
		f := check.Finding{Fix: fix}
		switch o := g.worst; {
		case g.none:
			f.Message = fmt.Sprintf("%s has no attestation %q", name, r.predicateType)
		case o.standing == broken:
			f.Message = fmt.Sprintf("the attestation %q of %s is broken: %s", r.predicateType, name, reason(o.why))
		case o.standing == replayed:
			f.Message = fmt.Sprintf("the attestation %q of %s belongs to another image: %s", r.predicateType, name, o.why)
		case o.standing == refused && o.why == "":
			f.Message = fmt.Sprintf("the attestation %q of %s is signed by %s, who is not allowed", r.predicateType, name, signer(o.sig))
		case o.standing == refused || o.standing == short:
			f.Message = fmt.Sprintf("the attestation %q of %s, signed by %s: %s", r.predicateType, name, signer(o.sig), o.why)
		default:
			f.Message = fmt.Sprintf("the attestation %q of %s is not verifiable with the keys and roots given", r.predicateType, name)
		}
		out = append(out, f)
	}
	return out
}
