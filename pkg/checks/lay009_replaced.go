package checks

import (
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay009() check.Check {
	return check.Check{
		ID:    "LAY009",
		Title: "a later layer replaces an executable or library",
		Doc: check.Doc{
			What:   "A program or library of a lower layer, often of the base image, is replaced by other content in a higher one.",
			Why:    "What the base image's author signed and what a vulnerability scanner knows of a package is no longer the file that runs. It is how a program is quietly swapped, and also what every `apt-get upgrade` does.",
			Fix:    "Take a base image that has the wanted version. Where the replacement is meant, except its paths in the policy with a reason.",
			Limits: "Only replacement of the same path; a program that is put before another in `PATH` is not seen. Equal content is no replacement.",
			Since:  since,
		},
		Scopes: layScopes(), Needs: layNeeds(), Images: true, Applies: notUnix,
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			out := groupFindings(t.Replaced, withDetail, func(fact.PathGroup) string {
				return "build on a base image that has the wanted files, or change them in the layer that brings them"
			})
			for i := range out { // the number of the layer below says nothing else of them
				out[i].Detail, _, _ = strings.Cut(out[i].Detail, " that of layer")
			}
			return check.Answer{Findings: out}
		},
	}
}
