package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run004() check.Check {
	return check.Check{
		ID:    "RUN004",
		Title: "running image cannot be identified, or is nowhere to be had",
		Doc: check.Doc{
			What: "What the runtime says that it runs names no digest, or it names one that no registry which was asked has: a side-loaded or locally built image, one that was deleted, or one whose tag was pushed over and then cleaned up.",
			Why:  "Nothing can be compared, no signature can be found, and nobody can pull the image again. When this node is gone, so are the only bytes of it.",
			Fix:  "Push the image to a registry and run it from there by its digest. If it was deleted, push it again under the same digest, or roll out one that is there.",
			Limits: "Asked are the repositories that the container's specification and the runtime name, and their upstreams. An image that lies elsewhere is not found. " +
				"A digest that names a config (a bare `sha256:…`, as for images that were imported or were pulled by an old Docker) is looked for among the manifests of these repositories that are known. " +
				"A registry that could not be asked leaves it undecided.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer, fact.KRunning},
		Uses:   []fact.Kind{fact.KReference},
		Run:    runRUN004,
	}
}

func runRUN004(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known || s.Running.State != fact.Known {
		return notTold(nothingRuns)
	}
	c, r := s.Container.V, s.Running.V
	f := check.Finding{Origin: whereOf(s), Fix: "push the image to a registry and run it from there by its digest"}
	switch {
	case r.Digest == "":
		f.Message = fmt.Sprintf("the runtime says that it runs %q for %q, which names no digest", r.Reported, c.Image)
		f.Fix = remake(c) + ", from an image that is in a registry"
	case r.Found != "":
		return check.Answer{}
	case r.Unheard != "":
		return undecided(orCause(r.UnheardCause, fact.Network), "whether %s is in a registry is not known: %s", r.Digest, r.Unheard)
	case r.Kind == fact.DigestConfig || r.Kind == "" && r.Repository == "":
		f.Message = fmt.Sprintf("%s runs for %q, the ID of an image that was loaded or built on the node: %s", r.Digest, c.Image, noneHas(r.Asked))
	default:
		f.Message = fmt.Sprintf("%s runs for %q: %s", r.Digest, c.Image, noneHas(r.Asked))
	}
	f.Consequences = []string{"nothing says who built it, and no other node can start it"}
	return check.Answer{Findings: []check.Finding{f}}
}

// orCause is c, or other if nobody set it.
func orCause(c, other fact.Cause) fact.Cause {
	if c == fact.NotGathered {
		return other
	}
	return c
}

func noneHas(asked []string) string {
	var names []string
	for _, a := range slices.Sorted(slices.Values(asked)) {
		names = append(names, show(a))
	}
	switch len(names) {
	case 0:
		return "there is no registry to ask for it"
	case 1:
		return names[0] + " does not have it"
	}
	return "none of " + strings.Join(names, ", ") + " has it"
}
