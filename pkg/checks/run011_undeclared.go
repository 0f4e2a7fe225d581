package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run011() check.Check {
	return check.Check{
		ID:    "RUN011",
		Title: "container runs and no file declares it",
		Doc: check.Doc{
			What: "Files were given together with what runs, and none of them declares this container: no object of the workload's kind and name has a container of its name.",
			Why:  "What is in no repository was reviewed by nobody, is updated by nobody, and comes back by nobody's hand if the cluster is lost. It is also how an intruder's workload looks.",
			Fix:  "Declare it in the repository, or remove it. If other files declare it, give those too: `-f` may be repeated.",
			Limits: "It knows the files that were given, not all there are. Workloads are matched by kind, name, container and, where the file says one, namespace: " +
				"a name that a tool makes up (a generated suffix, a Helm release name that the files do not hold) is not found. " +
				"Containers that a webhook injected, ephemeral ones and static pods are in no file of a team and are not judged.",
			Since: since,
		},
		Scopes:  containerScopes(),
		Needs:   []fact.Kind{fact.KContainer, fact.KDeclared},
		Uses:    []fact.Kind{fact.KReference},
		Applies: undeclarable,
		Run: func(s *fact.Set) check.Answer {
			if s.Container.State != fact.Known || s.Declared.State != fact.Known {
				return notTold(nothingRuns)
			}
			d := s.Declared.V
			switch {
			case len(d.In) > 0:
				return check.Answer{}
			case d.Unresolved > 0:
				return mayBeIt(d.Unresolved)
			}
			c := s.Container.V
			return check.Answer{Findings: []check.Finding{{
				Message: fmt.Sprintf("container %q of %q %s, and none of the files declares it", c.Name, c.Image, runsOrWaits(c)),
				Fix:     "declare it in the repository, or remove it; give the files that declare it if there are others",
				Origin:  whereOf(s),
			}}}
		},
	}
}
