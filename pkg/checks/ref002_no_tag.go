package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func ref002() check.Check {
	return check.Check{
		ID:    "REF002",
		Title: "reference has no tag and no digest",
		Doc: check.Doc{
			What: "A reference is a bare name, such as `nginx`. Runtimes silently read it as `nginx:latest`.",
			Why:  "`latest` is whatever was pushed last. Nobody can tell from the text which release was meant, so nobody can tell later whether the right one runs, and there is nothing to roll back to.",
			Fix:  "Write the release and its digest: `nginx:1.29.3@sha256:…`.",
			Limits: "It looks at the text alone. A default that some tool puts in place of the missing tag (a Helm value, a Kustomize `images` entry) is seen only " +
				"if the rendered text is scanned.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference},
		Uses:    []fact.Kind{fact.KResolution},
		Applies: notWritten,
		Run: func(s *fact.Set) check.Answer {
			if s.Reference.State != fact.Known {
				return notTold("there is no reference")
			}
			r := s.Reference.V
			if r.Ref.Tag != "" || r.Ref.Digest != "" {
				return check.Answer{}
			}
			return check.Answer{Findings: []check.Finding{{
				Message:      fmt.Sprintf("%q has no tag and no digest: runtimes read it as %s:latest", r.Text, r.Ref.Name),
				Fix:          pinnedForm(s),
				Origin:       originOf(r),
				Consequences: mutable(),
			}}}
		},
	}
}
