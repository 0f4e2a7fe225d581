package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func ref007() check.Check {
	return check.Check{
		ID:    "REF007",
		Title: "action by tag or branch instead of commit",
		Doc: check.Doc{
			What: "A workflow uses an action, a reusable workflow or another piece of pipeline from elsewhere by a tag or branch, or by nothing, instead of a commit.",
			Why: "A tag of a Git repository moves as easily as one of a registry, and what it names runs with the tokens of the pipeline that builds and signs images. " +
				"That is how tj-actions/changed-files took the secrets of 23,000 repositories in March 2025 (CVE-2025-30066): every one of its version tags was moved.",
			Fix: "Write the full commit and keep the tag as a comment: `uses: actions/checkout@<40 hexadecimal digits> # v4.2.2`. Update bots move both.",
			Limits: "It looks at the text alone: whether the commit is one of that repository, and not of a fork, is not looked at, nor what the action uses in turn. " +
				"What its publisher cannot change once it is out, such as a full version of an orb, passes. Actions in the same repository have no revision and are not judged.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference},
		Applies: notOfKind(ref.KindAction),
		Run: func(s *fact.Set) check.Answer {
			return floating(s, func(r fact.Reference) check.Finding {
				return check.Finding{
					Message: fmt.Sprintf("%q names no commit: its owner decides anew at each run what the pipeline executes", r.Text),
					Fix:     "write the full commit in place of the tag or branch, and the tag as a comment behind it",
					Origin:  originOf(r),
				}
			})
		},
	}
}
