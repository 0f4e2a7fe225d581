package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func set006() check.Check {
	return check.Check{
		ID:    "SET006",
		Title: "a play changes what runs in place",
		Doc: check.Doc{
			What: "A play or recipe installs packages, edits files or runs commands in hosts or containers that run already, instead of making them anew from an image.",
			Why: "What runs afterwards is in no image: it depends on which plays ran, in which order, against which mirror on which day. It cannot be signed, compared or rolled back, " +
				"and the next machine made from the image lacks it.",
			Fix:    "Put the change into the image and replace what runs. If hosts are configured this way by choice, leave the check off.",
			Limits: "It reads what the file says plainly; what a role from elsewhere, a shell script or a template does is not seen. It cannot tell whether the play is used to build an image, where this is right.",
			Since:  since,
		},
		Scopes:  []check.Scope{check.ScopeObject},
		Needs:   []fact.Kind{fact.KObject},
		Applies: notObject(fact.ObjectPlay),
		Run: func(s *fact.Set) check.Answer {
			if s.Object.State != fact.Known {
				return notTold("there is no object")
			}
			o := s.Object.V
			switch {
			case o.Action != "":
				return check.Answer{Findings: []check.Finding{{
					Message: fmt.Sprintf("%s changes %s in place: %s", objectName(o), orElse(o.On, "what runs"), o.Action),
					Fix:     "put the change into the image, and replace what runs",
				}}}
			case o.Unresolved != "":
				return undecided(fact.Unsupported, "%s: %s", objectName(o), o.Unresolved)
			}
			return check.Answer{}
		},
	}
}
