package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func run008() check.Check {
	return check.Check{
		ID:    "RUN008",
		Title: "running by a mutable reference",
		Doc: check.Doc{
			What: "The container's own specification, as it is in the cluster or the engine after all that changed it on the way, names its image without a digest.",
			Why:  "Each start decides anew what runs. Restarts, new nodes and replicas may run other bytes than those that were looked at, and nothing in the cluster can tell the difference.",
			Fix:  "Write the digest behind the tag in the template that the pod is made from, in Git. A webhook that adds the digest at admission makes the pod immutable too, but not the template.",
			Limits: "The reference alone: whether the tag has moved is RUN002's, whether replicas differ RUN003's. A container that has ended and will not start again is not applicable. " +
				"An image ID of Docker names bytes; an abbreviated one is a name like any other.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer},
		Uses:   []fact.Kind{fact.KRunning, fact.KReference},
		Run:    runRUN008,
	}
}

func runRUN008(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known || s.Container.V.Phase == fact.PhaseFinished {
		return notTold(nothingRuns)
	}
	c := s.Container.V
	switch {
	case c.Ref.Digest != "" || isImageID(c.Image):
		return check.Answer{}
	case c.Ref == (ref.Ref{}):
		return undecided(fact.Unsupported, "%q is no reference", c.Image)
	}
	f := check.Finding{
		Message:      fmt.Sprintf("%q has no digest: each start decides anew what runs", c.Image),
		Fix:          "write " + pinTo(c.Ref, pinnable(s)),
		Origin:       whereOf(s),
		Consequences: mutable(),
	}
	switch {
	case c.Injected:
		f.Fix += " in the configuration of what injects the container"
	case c.Static:
		f.Fix += " in the pod's file on the node"
	case c.Owner != "":
		f.Fix += fmt.Sprintf(" in the template of its %s", c.Owner)
	}
	return check.Answer{Findings: []check.Finding{f}}
}
