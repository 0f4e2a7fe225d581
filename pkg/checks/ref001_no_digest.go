package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func ref001() check.Check {
	return check.Check{
		ID:    "REF001",
		Title: "reference has no digest",
		Doc: check.Doc{
			What: "A reference in a file or a workload names an image by tag alone, or by nothing.",
			Why: "A tag is a pointer that its owner, and whoever gets hold of the owner's credentials, can move at any time. " +
				"Only a digest says which bytes are meant, so only with one do review, scan and signature speak of what runs.",
			Fix: "Write the digest behind the tag: `ghcr.io/acme/api:1.4.2@sha256:…`. The tag stays for people and for update bots; the digest decides.",
			Limits: "It looks at the text alone: it does not say whether the tag has moved (REF004) or whether the digest is still there (REF005). " +
				"A name typed at the prompt is not judged, since nobody else will read it; nor is the name of a tag that was pushed.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeReference},
		Needs:  []fact.Kind{fact.KReference},
		Uses:   []fact.Kind{fact.KResolution},
		Applies: func(s *fact.Set) string {
			if r := s.Reference; r.State == fact.Known && r.V.Origin.Kind == "argument" {
				return "named on the command line"
			}
			return pushed(s)
		},
		Run: func(s *fact.Set) check.Answer {
			if s.Reference.State != fact.Known {
				return notTold("there is no reference")
			}
			r := s.Reference.V
			if r.Ref.Digest != "" {
				return check.Answer{}
			}
			return check.Answer{Findings: []check.Finding{{
				Message:      fmt.Sprintf("%q has no digest: each pull decides anew what runs", r.Text),
				Fix:          pinnedForm(s),
				Origin:       originOf(r),
				Consequences: mutable(),
			}}}
		},
	}
}
