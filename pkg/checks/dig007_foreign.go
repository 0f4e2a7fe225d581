package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig007() check.Check {
	return check.Check{
		ID:    "DIG007",
		Title: "foreign layer",
		Doc: check.Doc{
			What: "A layer has `urls` or a non-distributable media type: runtimes may fetch it from a place other than the registry.",
			Why: "Whether the image starts depends on a server that the registry's owner does not run, and a URL in a manifest makes every node that pulls it send requests where the image's author wants. " +
				"`intact` never follows such a URL.",
			Fix:    "Push the layer into the registry like any other, with an ordinary media type. Current Windows base images no longer have foreign layers: build on one of these.",
			Limits: "The bytes are verified only if the registry itself has them. If not, DIG003 and DIG004 are undecided.",
			Since:  since,
		},
		Scopes: []check.Scope{check.ScopePlatform},
		Needs:  []fact.Kind{fact.KLayers},
		Run: func(s *fact.Set) check.Answer {
			if s.Layers.State == fact.Absent {
				return notTold("there are no layers")
			}
			var out []check.Finding
			for _, l := range known(s.Layers) {
				if !l.Foreign {
					continue
				}
				f := aboutLayer(l)
				f.Message = fmt.Sprintf("media type %q", l.Descriptor.MediaType)
				if n := len(l.Descriptor.URLs); n > 0 {
					f.Message += fmt.Sprintf(" with %s, first %q", plural(n, "URL"), l.Descriptor.URLs[0])
				}
				f.Message += inLayer(f.Layer, l.CreatedBy)
				f.Fix = "build on a base image without foreign layers, or push the layer with an ordinary media type and without urls"
				out = append(out, f)
			}
			return check.Answer{Findings: out}
		},
	}
}
