package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func ref003() check.Check {
	return check.Check{
		ID:    "REF003",
		Title: "floating tag without a digest",
		Doc: check.Doc{
			What: "A reference has a tag that is meant to move (`latest`, `main`, `1`, `1.25`) and no digest. Whether a tag is floating or fixed follows from its form; " +
				"the policy's `tags` can say otherwise.",
			Why:    "Such a tag will point elsewhere, not by accident but as its owner intends: the image that was tested is not the one that is pulled next week.",
			Fix:    "Write the digest behind the tag, or a tag that names one release. With a digest a floating tag is fine: it tells update bots what to follow.",
			Limits: "A tag is judged by its form. An owner may move `1.4.2` and never move `stable`.",
			Since:  since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KReference},
		Uses:    []fact.Kind{fact.KResolution},
		Applies: pushed,
		Run: func(s *fact.Set) check.Answer {
			if s.Reference.State != fact.Known {
				return notTold("there is no reference")
			}
			r := s.Reference.V
			if r.Ref.Tag == "" || r.Ref.Digest != "" || isFixed(r) {
				return check.Answer{}
			}
			return check.Answer{Findings: []check.Finding{{
				Message:      fmt.Sprintf("%q: the tag %s is meant to move and there is no digest beside it", r.Text, r.Ref.Tag),
				Fix:          pinnedForm(s),
				Origin:       originOf(r),
				Consequences: mutable(),
			}}}
		},
	}
}
