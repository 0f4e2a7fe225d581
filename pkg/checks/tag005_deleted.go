package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func tag005() check.Check {
	return check.Check{
		ID:    "TAG005",
		Title: "tag was deleted",
		Doc: check.Doc{
			What: "The record (`intact.lock`, or the ledger) knows what the tag was, and the registry answers now that there is no such tag.",
			Why: "What runs goes on running, until a new node, a restart or a roll-back has to pull it. A tag that is free can be pushed again by whoever may push, with other bytes, " +
				"also where the registry calls tags immutable.",
			Fix: "Find out who deleted it. Write the digest behind the tag, if the registry still has it; else push the same image again. Exempt what is deployed from clean-up rules.",
			Limits: "It asks once, with the credential at hand: a registry that hides a repository from it answers as if the tag were gone. A tag that no record has seen is only unresolved. " +
				"A reference that is pinned by digest is not judged here: REF005 looks for its digest, REF004 for its tag.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference, fact.KTagHistory},
		Uses:    []fact.Kind{fact.KResolution},
		Applies: notRecorded("", ""),
		Run:     runTAG005,
	}
}

func runTAG005(s *fact.Set) check.Answer {
	if s.Reference.State != fact.Known || s.TagHistory.State != fact.Known {
		return notTold("no tag was resolved")
	}
	switch v := s.Resolution; {
	case v.State == fact.Known && v.V.By == "tag":
		return check.Answer{}
	case v.State != fact.Unknown:
		return notTold("no tag was resolved")
	case v.Cause == fact.NotAsked:
		return check.Answer{NotAsked: v.Why}
	case v.Cause != fact.NotFound:
		return undecided(v.Cause, "%s", orElse(v.Why, "the tag was not resolved"))
	}
	r, h := s.Reference.V, s.TagHistory.V
	again := r.Ref
	again.Tag = h.Tag
	f := check.Finding{
		Message:      fmt.Sprintf("%q: the tag %s is gone; it was %s%s, by %s", r.Text, h.Tag, h.Before.Digest, sinceDay(h.Before.At), h.By),
		Fix:          fmt.Sprintf("write %s, if the registry still has it, or push that image again", pinTo(again, h.Before.Digest)),
		Origin:       originOf(r),
		Consequences: []string{"a restart or a new node cannot pull it", "whoever may push can give the tag to other bytes"},
	}
	if !h.Gone.IsZero() {
		f.Message += ", which found it gone on " + h.Gone.UTC().Format("2006-01-02")
	}
	return check.Answer{Findings: []check.Finding{f}}
}
