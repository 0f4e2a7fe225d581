package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig003() check.Check {
	return check.Check{
		ID:    "DIG003",
		Title: "layer does not hash to its digest",
		Doc: check.Doc{
			What: "The bytes of a layer were received to the end and hash to another digest than the manifest names.",
			Why: "The files in that layer are not those that the image's author pushed. A signature on the manifest does not help, because it covers the layer's digest and not what the registry hands out for it; " +
				"only somebody who hashes the layer notices.",
			Fix: "Do not deploy. Pull the layer from the upstream registry and compare; a damaged or manipulated blob stays until it is deleted, so have the operator delete it and push the image again.",
			Limits: "Only layers that were read: with `--depth manifest`, and for platforms that were not selected, nothing is hashed and the check was not asked. " +
				"A result from the cache says when the bytes were seen; `--no-cache` reads them again.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopePlatform},
		Needs:  []fact.Kind{fact.KLayers},
		Run:    runDIG003,
	}
}

func runDIG003(s *fact.Set) check.Answer {
	if s.Layers.State == fact.Absent {
		return notTold("there are no layers")
	}
	var a check.Answer
	for _, l := range known(s.Layers) {
		want := l.Descriptor.Digest
		switch {
		case l.Digest == "":
			a = withFindings(undecided(fact.Dependency, "%s was not read", nameLayer(l)), a.Findings)
		case !want.Comparable(l.Digest):
			a = withFindings(undecided(fact.Unsupported, "%s was hashed as %s, its digest is %q", nameLayer(l), l.Digest.Algorithm(), want), a.Findings)
		case want != l.Digest:
			f := aboutLayer(l)
			f.Message = fmt.Sprintf("the %s received hash to %s, the manifest says %s%s",
				plural(int(l.Size), "byte"), l.Digest, want, inLayer(f.Layer, l.CreatedBy))
			f.Fix = "do not deploy it; have the blob deleted and push the image again from its build"
			f.Consequences = []string{"nothing in this layer is what its author pushed"}
			a.Findings = append(a.Findings, f)
		}
	}
	return a
}
