package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run006() check.Check {
	return check.Check{
		ID:    "RUN006",
		Title: "container was added to a pod that already ran",
		Doc: check.Doc{
			What: "An ephemeral container, as `kubectl debug` makes one, or another container that was added after the pod was created. One that has ended is a note.",
			Why:  "It runs an image that is in no template and no Git, beside the processes of the pod and often with access to their files and memory. What was rolled out is not all that runs.",
			Fix:  "End it. An ephemeral container cannot be taken out of a pod: delete the pod, so that a new one is made without it.",
			Limits: "Only Kubernetes tells what was added to a pod; for Docker and containerd it is not applicable. What somebody did with `kubectl exec` in a container of the pod is not seen: see RUN005 for what it left behind. " +
				"A container that ended has done what it did: the note stays for as long as the pod is there.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer},
		Uses:   []fact.Kind{fact.KReference},
		Run:    runRUN006,
	}
}

func runRUN006(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known {
		return notTold(nothingRuns)
	}
	c := s.Container.V
	ephemeral := c.Role == fact.RoleEphemeral
	if !ephemeral && !c.Added {
		if c.Runtime != "" && c.Runtime != "kubernetes" {
			return notTold("only Kubernetes tells what was added to a pod")
		}
		return check.Answer{}
	}
	what := fmt.Sprintf("container %q", c.Name)
	if ephemeral {
		what = "ephemeral " + what
	}
	f := check.Finding{Origin: whereOf(s)}
	if c.Phase == fact.PhaseFinished {
		f.Note, f.Message = true, fmt.Sprintf("%s of %q was added to the pod while it ran, and has ended", what, c.Image)
		return check.Answer{Findings: []check.Finding{f}}
	}
	f.Message = fmt.Sprintf("%s of %q was added to the pod while it ran; no template declares it", what, c.Image)
	f.Fix = "end what it runs, then " + remake(c)
	return check.Answer{Findings: []check.Finding{f}}
}
