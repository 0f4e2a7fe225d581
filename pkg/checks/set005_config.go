package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func set005() check.Check {
	return check.Check{
		ID:    "SET005",
		Title: "its ConfigMap or Secret is not immutable",
		Doc: check.Doc{
			What: "A container reads a ConfigMap or Secret, as environment or as files, that is not `immutable: true`.",
			Why:  "Configuration decides what a program does as much as its code, and often holds scripts. A mutable object can be changed under running pods: files follow within a minute, variables at the next start, so that replicas of one template differ.",
			Fix:  "Set `immutable: true`, and give the object a name that changes with its content (`kustomize` and Helm can hash it), so that a change is a rollout.",
			Limits: "Whether the object can change, not whether it did; its content is never read. Whether a Secret is immutable cannot be seen without reading it, so Secrets are asked about only if that was switched on. " +
				"What reaches a container some other way (an operator, a CSI driver, an API at run time) is not seen. In files an object that is declared elsewhere is not known.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KSettings, fact.KContainer},
		Uses:   []fact.Kind{fact.KReference},
		Run:    runSET005,
	}
}

func runSET005(s *fact.Set) check.Answer {
	if s.Settings.State != fact.Known {
		return notTold("there are no settings of a container")
	}
	if why := noProcess(s); why != "" {
		return notTold(why)
	}
	if len(s.Settings.V.Configs) == 0 {
		return notTold("no ConfigMap or Secret configures it")
	}
	var out []check.Finding
	var d doubts
	for _, o := range s.Settings.V.Configs {
		name := fmt.Sprintf("%s %s", orElse(o.Kind, "object"), show(o.Name))
		switch o.Immutable {
		case fact.Yes:
		case fact.No:
			out = append(out, check.Finding{
				Message: name + " is not immutable, " + effect(o.Use),
				Fix:     fmt.Sprintf("immutable: true in %s, with a name that changes with its content", name),
				Origin:  whereOf(s),
			})
		default:
			d.add(orCause(o.Cause, fact.Dependency), orElse(o.Why, "whether "+name+" is immutable was not looked at"))
		}
	}
	return d.answer(out)
}

// effect says when a change arrives.
func effect(use string) string {
	switch use {
	case "env":
		return "and a change of it arrives with the next start"
	case "volume":
		return "and a change of it arrives in running containers"
	}
	return "and configures the container"
}
