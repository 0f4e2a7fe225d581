package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func set004() check.Check {
	return check.Check{
		ID:    "SET004",
		Title: "pull policy and reference disagree",
		Doc: check.Doc{
			What: "A container names its image by tag, and its pull policy is `IfNotPresent` or `Never`, stated or by default: each node runs what it happened to pull when it first saw the tag. " +
				"With a digest every policy is right. `Always` with a tag at least asks each time.",
			Why: "Two nodes run two images under one specification, a fix that was pushed under the same tag does not arrive, and whoever loads an image into a node's store under that name decides what runs there.",
			Fix: "Write the digest behind the tag. Then `IfNotPresent` is right, and a node that has the image needs no registry to start it.",
			Limits: "Kubernetes only: Docker and Compose have no pull policy that lasts. Where none is stated, the API's default counts: `Always` for `:latest` and for no tag, else `IfNotPresent`; " +
				"the `AlwaysPullImages` admission plug-in, which sets it when the pod is made, is seen in pods and not in files.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KSettings, fact.KContainer},
		Uses:   []fact.Kind{fact.KRunning, fact.KReference, fact.KResolution},
		Run:    runSET004,
	}
}

func runSET004(s *fact.Set) check.Answer {
	if s.Settings.State != fact.Known {
		return notTold("there are no settings of a container")
	}
	if !isKubernetes(s) {
		return notTold("only Kubernetes has pull policies")
	}
	if s.Container.State == fact.Known && s.Container.V.Phase == fact.PhaseFinished && s.Container.V.Role == fact.RoleEphemeral {
		return notTold(noProcess(s))
	}
	r, text, ok := named(s)
	switch {
	case !ok && s.Reference.State == fact.Unknown:
		return undecided(s.Reference.Cause, "%s", orElse(s.Reference.Why, "the reference is not known"))
	case !ok:
		return notTold("there is no reference")
	case r.Digest != "" || isImageID(text):
		return check.Answer{}
	case r == (ref.Ref{}):
		return undecided(fact.Unsupported, "%q is no reference", text)
	}
	policy, stated := s.Settings.V.PullPolicy, ""
	if policy == "" {
		policy, stated = defaultPullPolicy(r), " by default"
	}
	switch policy {
	case "Always":
		return check.Answer{}
	case "IfNotPresent", "Never":
	default:
		return undecided(fact.Unsupported, "pull policy %q is none of Always, IfNotPresent, Never", policy)
	}
	pin := pinnable(s)
	if s.Container.State == fact.Absent && s.Resolution.State == fact.Known {
		pin = s.Resolution.V.Digest
	}
	f := check.Finding{
		Message: fmt.Sprintf("%q is a tag and the pull policy is %s%s: each node runs what it pulled when it first saw the tag", text, policy, stated),
		Fix:     "write " + pinTo(r, pin),
		Origin:  whereOf(s),
	}
	if policy == "Never" {
		f.Message = fmt.Sprintf("%q is a tag and the pull policy is Never: each node runs what somebody loaded there under that name", text)
	}
	return check.Answer{Findings: []check.Finding{f}}
}

// defaultPullPolicy is what the API server fills in: the tag latest counts even
// beside a digest, and stands for no tag where there is no digest either.
//
// https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
func defaultPullPolicy(r ref.Ref) string {
	if r.Tag == "latest" || r.Tag == "" && r.Digest == "" {
		return "Always"
	}
	return "IfNotPresent"
}
