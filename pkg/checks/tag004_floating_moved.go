package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func tag004() check.Check {
	return check.Check{
		ID:    "TAG004",
		Title: "floating tag has moved",
		Doc: check.Doc{
			What: "A tag that is meant to move (`latest`, `main`, `1.25`) is another digest now than the record says (`intact.lock`, or the ledger): from what, to what, since when. " +
				"If the images of all platforms are the same ones, and only the index around them is new, it is a note.",
			Why: "That it moves is no fault; that nobody notices is. The next node or restart runs bytes that no test has seen under this specification.",
			Fix: "Look at what changed, test it, and record it with `intact lock --update`; or write digests and move them on purpose with `intact pin --update`.",
			Limits: "It compares with the last record; how often the tag moved in between is not seen. A ledger records the move that it reports, so it is told once. The first time that a tag is seen there is nothing to compare with. " +
				"A reference that is pinned by digest is not judged here: REF004 compares its tag.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   historyNeeds(),
		Uses:    []fact.Kind{fact.KImage},
		Applies: notRecorded(ref.Floating, "fixed tag: TAG002"),
		Run:     runTAG004,
	}
}

// runTAG004 reports a tag that has moved since the record was made; one that the
// record knows to have moved has been told.
func runTAG004(s *fact.Set) check.Answer {
	m, a := moveOf(s)
	if m == nil || m.recorded {
		return a
	}
	return check.Answer{Findings: []check.Finding{m.finding()}}
}
