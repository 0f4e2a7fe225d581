package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func ref004() check.Check {
	return check.Check{
		ID:    "REF004",
		Title: "fixed tag and the digest beside it disagree",
		Doc: check.Doc{
			What: "A reference carries a tag that should stay, such as `1.4.2`, and a digest, and the tag points to another digest. " +
				"For a floating tag this is what pins are for, so it is a note.",
			Why: "Runtimes pull the digest and ignore the tag, but people read the tag. Either the release was overwritten in the registry, or the line was edited so that it " +
				"looks like one release and runs another.",
			Fix: "Find out which of the two is meant. If the tag was overwritten on purpose, write the new digest; if not, restore the tag and find out who moved it.",
			Limits: "It compares with where the tag points now. It cannot say where the tag pointed when the digest was written. A tag that is gone is a note: the digest still decides. " +
				"Digests of different algorithms cannot be compared.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference, fact.KPin},
		Applies: notWritten,
		Run:     runREF004,
	}
}

func runREF004(s *fact.Set) check.Answer {
	if s.Reference.State != fact.Known || s.Pin.State != fact.Known {
		return notTold("not both a tag and a digest")
	}
	r, p := s.Reference.V, s.Pin.V
	switch {
	case p.TagPoints == "":
		return check.Answer{Findings: []check.Finding{{
			Message: fmt.Sprintf("%q: the tag %s is gone from the registry; the digest beside it still decides", r.Text, p.Tag),
			Note:    true, Origin: originOf(r),
		}}}
	case !p.Pinned.Comparable(p.TagPoints):
		return undecided(fact.Unsupported, "the tag %s points to a %s digest, which cannot be compared with %s",
			p.Tag, p.TagPoints.Algorithm(), p.Pinned.Short())
	case p.Pinned == p.TagPoints:
		return check.Answer{}
	}
	f := check.Finding{
		Message: fmt.Sprintf("%q: the tag %s now points to %s%s", r.Text, p.Tag, p.TagPoints, relation(p)),
		Fix:     pinFix(r, p),
		Origin:  originOf(r),
	}
	if !isFixed(r) {
		f.Note, f.Fix = true, ""
	}
	return check.Answer{Findings: []check.Finding{f}}
}

func relation(p fact.Pin) string {
	switch {
	case p.ChildOfTag:
		return ", an index that lists the pinned digest as one of its platforms"
	case p.ParentOfTag:
		return ", which is one platform of the pinned index"
	}
	return ", which does not list the pinned digest"
}

func pinFix(r fact.Reference, p fact.Pin) string {
	moved := ref.Ref{Name: r.Ref.Name, Tag: p.Tag, Digest: p.TagPoints}
	if p.ChildOfTag {
		return "write the digest of the index, so that the pin holds for all platforms: " + moved.String()
	}
	return fmt.Sprintf("if the new image is meant, write %s; if not, find out who moved the tag", moved)
}
