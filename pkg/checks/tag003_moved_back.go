package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func tag003() check.Check {
	return check.Check{
		ID:    "TAG003",
		Title: "tag has moved back to an older digest",
		Doc: check.Doc{
			What: "A tag, floating or fixed, is a digest now that it was before the last one, by the record (`intact.lock`, or the ledger).",
			Why: "No signature binds a tag: whoever can push may point `main` or `1.4` at an old image whose signature is as good as ever and whose holes are known. " +
				"It is also what a roll-back of a release looks like, and a mirror that answers from an old cache.",
			Fix: "Find out who moved it and why. Write the digest that is meant behind the tag, or accept the old one: `intact lock --update` records it.",
			Limits: "It knows only the digests that were recorded: the last ten of each tag in `intact.lock`, of its last thousand moves in a ledger. What a ledger has recorded as moved back fails until the tag moves on. An old image that nobody recorded looks new (TAG002, TAG004). " +
				"A reference that is pinned by digest is not judged here: REF004 compares its tag.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   historyNeeds(),
		Uses:    []fact.Kind{fact.KImage},
		Applies: notRecorded("", ""),
		Run:     runTAG003,
	}
}

func runTAG003(s *fact.Set) check.Answer {
	m, a := moveOf(s)
	if m == nil || m.older == nil {
		return a
	}
	f := m.finding()
	f.Message += fmt.Sprintf("; what it is now it was already%s", sinceDay(m.older.At))
	return check.Answer{Findings: []check.Finding{f}}
}
