package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func tag002() check.Check {
	return check.Check{
		ID:    "TAG002",
		Title: "fixed tag has moved",
		Doc: check.Doc{
			What: "A tag that should stay, such as `1.4.2` or a date, is another digest now than the record says (`intact.lock`, or the ledger). " +
				"A ledger, which nobody reviews, keeps a move in mind: the tag fails as long as it is not what it was before it. " +
				"If the images of all platforms are the same ones, and only the index around them is new, as when an attestation was added, it is a note.",
			Why: "Somebody pushed other bytes under a release that was tested, reviewed and perhaps signed as something else. Some publishers rebuild releases on purpose; " +
				"whoever stole a push token does the same. Every reference without a digest pulls the new bytes.",
			Fix: "Find out who moved it. Write the digest that is meant behind the tag (`intact pin`), or accept the new one: `intact lock --update` records it, and the change of the lock file can be reviewed. " +
				"By a ledger, accept it with an exception in the policy. For a publisher that rebuilds releases, say so in the policy's `tags`.",
			Limits: "It compares with the last record. What happened in between is not seen, and the first time that a tag is seen there is nothing to compare with. " +
				"A reference that is pinned by digest is not judged here: REF004 compares its tag. A tag is called fixed by its form.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   historyNeeds(),
		Uses:    []fact.Kind{fact.KImage},
		Applies: notRecorded(ref.Fixed, "floating tag: TAG004"),
		Run:     runTAG002,
	}
}

// runTAG002 reports a tag that has moved, wherever to and whenever.
func runTAG002(s *fact.Set) check.Answer {
	m, a := moveOf(s)
	if m == nil {
		return a
	}
	return check.Answer{Findings: []check.Finding{m.finding()}}
}
