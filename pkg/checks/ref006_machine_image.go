package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func ref006() check.Check {
	return check.Check{
		ID:    "REF006",
		Title: "machine image by a floating reference",
		Doc: check.Doc{
			What: "A file names the image of a machine by something that moves: `most_recent = true`, an SSM parameter that ends in `latest`, a launch template at `$Latest`, an image family, a version `latest`.",
			Why: "Machines are images too. Two nodes of one group, or the same node after a replacement, boot from different systems, and nothing in the repository says which; " +
				"what runs containers on them is then not what was tested either.",
			Fix:    "Write the ID of the image, or an exact version, and move it by a change that is reviewed.",
			Limits: "It looks at the text alone: no cloud is asked what the reference names now or who owns it. An ID that comes from a variable or another module is seen only where its value is in the files.",
			Since:  since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference},
		Applies: notOfKind(ref.KindMachineImage),
		Run: func(s *fact.Set) check.Answer {
			return floating(s, func(r fact.Reference) check.Finding {
				return check.Finding{
					Message: fmt.Sprintf("%q is whatever the newest image is when a machine is made", r.Text),
					Fix:     "write the image's ID or its exact version",
					Origin:  originOf(r),
					Consequences: []string{
						"machines of one group may boot from different images",
					},
				}
			})
		},
	}
}

// notOfKind says why a check that is about one kind of references does not apply
// to others.
func notOfKind(k ref.Kind) func(*fact.Set) string {
	return func(s *fact.Set) string {
		if r := s.Reference; r.State == fact.Known && r.V.Kind != k {
			return "kind " + string(r.V.Kind)
		}
		return ""
	}
}

// floating reports a reference whose class, by a grammar of its own, is floating.
func floating(s *fact.Set, finding func(fact.Reference) check.Finding) check.Answer {
	if s.Reference.State != fact.Known {
		return notTold("there is no reference")
	}
	switch r := s.Reference.V; r.Class {
	case ref.Fixed:
		return check.Answer{}
	case ref.Floating:
		return check.Answer{Findings: []check.Finding{finding(r)}}
	default:
		return undecided(fact.Unsupported, "whether %q can come to mean something else is not known", r.Text)
	}
}
