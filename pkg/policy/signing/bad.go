package signing

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func (j *judgement) sig002(s *fact.Set) check.Answer {
	return j.bad(s, broken, func(o opinion) string {
		return fmt.Sprintf("a signature is broken: %s", reason(o.why))
	})
}

func (j *judgement) sig004(s *fact.Set) check.Answer {
	return j.bad(s, replayed, func(o opinion) string {
		return fmt.Sprintf("a signature is attached to %s but belongs to another image: %s", o.sig.Subject, o.why)
	})
}

// bad judges signatures that are wrong whatever the policy asks for. A good one
// beside them makes them notes.
func (j *judgement) bad(s *fact.Set, want standing, message func(opinion) string) check.Answer {
	var a assessment
	if j.signature != nil {
		a = j.signature.assess(s)
	}
	about := j.about(s)
	var out check.Answer
	if s.Signatures.State == fact.Known {
		for _, p := range s.Signatures.Parts {
			if p.State != fact.Known || !about(p.V.Subject) {
				continue
			}
			sig := p.V
			o := judge(&sig, nil, nil)
			if o.standing != want {
				continue
			}
			f := check.Finding{Message: message(o), Note: a.met, Fix: j.remove(s, &sig, a.groups)}
			if sig.Kind != fact.KindSignature {
				// Only a rule that asks for it makes an attestation matter: SIG005.
				f.Note, f.Message = true, "of an attestation: "+f.Message
			}
			if f.Note {
				f.Fix = ""
			}
			out.Findings = append(out.Findings, f)
		}
	}
	if gaps := unknownParts(s, about, fact.KindSignature); len(gaps) > 0 && !a.met {
		u := gaps.undecided()
		u.Findings = out.Findings
		return u
	}
	if j.signature == nil {
		out.NotAsked = j.notAsked(s)
	}
	return out
}

// about returns which manifests signatures are judged on: all that are found as
// long as the image is not known.
func (j *judgement) about(s *fact.Set) func(ref.Digest) bool {
	if s.Image.State != fact.Known {
		return func(ref.Digest) bool { return true }
	}
	root, children := subjects(s.Image.V, j.opts)
	return func(d ref.Digest) bool {
		return d == "" || d == root || slices.ContainsFunc(children, func(c fact.Child) bool { return c.Manifest == d })
	}
}

// notAsked says why no signature is required and, where it can be told, who
// signed nevertheless.
func (j *judgement) notAsked(s *fact.Set) string {
	why := "no rule requires a signature"
	switch {
	case j.rule != nil && j.rule.None:
		why = "the policy requires no signature (none: true)"
	case j.rule != nil:
		why = "the rule requires attestations only"
	}
	if s.Signatures.State != fact.Known {
		return why
	}
	var names []string
	for _, p := range s.Signatures.Parts {
		if p.State != fact.Known || p.V.Kind != fact.KindSignature {
			continue
		}
		sig := p.V
		if o := judge(&sig, nil, nil); o.standing == broken || o.standing == replayed || o.standing == unsupported {
			continue
		}
		if name := signer(&sig); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 1:
		return "signed by " + names[0] + "; " + why
	case len(names) > 1:
		return fmt.Sprintf("signed by %s and %d more; %s", names[0], len(names)-1, why)
	}
	return why
}
