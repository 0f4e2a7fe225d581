package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func tag006() check.Check {
	return check.Check{
		ID:    "TAG006",
		Title: "push would overwrite a fixed tag",
		Doc: check.Doc{
			What: "A local image is judged under the name that it will be pushed to (`--as`), and a tag of that name, one that should stay, already points to another digest. " +
				"For a floating tag it is a note.",
			Why: "Whoever pinned or signed the release by that tag would find other bytes under it, and every reference without a digest would pull them.",
			Fix: "Give the new build a new version. If the tag must be replaced, push by digest first, tell those who use it, and make the registry's tags immutable afterwards.",
			Limits: "It asks now; somebody else may push the tag a second later. Only immutable tags in the registry prevent that. An archive cannot tell the digest that it will have " +
				"once pushed, so an existing tag leaves this undecided.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeReference},
		Needs:  []fact.Kind{fact.KPush},
		Run:    runTAG006,
	}
}

func runTAG006(s *fact.Set) check.Answer {
	if s.Push.State != fact.Known {
		return notTold("not judged under a name to push to")
	}
	p := s.Push.V
	switch {
	case !p.Exists:
		return check.Answer{Findings: []check.Finding{{Note: true, Message: fmt.Sprintf("there is no %s yet", p.To)}}}
	case p.Local == "":
		return undecided(fact.Unsupported, "%s exists and the source cannot tell which digest would replace it", p.To)
	case !p.Local.Comparable(p.Digest):
		return undecided(fact.Unsupported, "%s exists and its digest cannot be compared with %s", p.To, p.Local.Short())
	case p.Local == p.Digest:
		return check.Answer{Findings: []check.Finding{{Note: true, Message: fmt.Sprintf("%s is this digest already: the push changes nothing", p.To)}}}
	}
	f := check.Finding{
		Message: fmt.Sprintf("%s is %s in the registry; the push would make it %s", p.To, p.Digest, p.Local),
		Fix:     "push under a tag that does not exist yet",
		Consequences: []string{
			"references without a digest pull other bytes than before",
		},
	}
	class := p.Class
	if class == "" {
		class = ref.ClassOf(p.To.Tag)
	}
	if class == ref.Floating {
		f.Note, f.Fix, f.Consequences = true, "", nil
	}
	return check.Answer{Findings: []check.Finding{f}}
}
