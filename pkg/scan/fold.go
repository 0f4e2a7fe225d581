package scan

import (
	"slices"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// fold marks which results of a container are parts of one story, and what of its
// image does not matter in it. own and the image's results stay what they are.
func fold(set *fact.Set, platform string, own, image []*report.Result) (moot []report.Moot) {
	all := slices.Clone(own)
	for _, r := range image {
		if r.Platform == "" || r.Platform == platform {
			all = append(all, r)
		}
	}
	weighed := make([]checks.Weighed, len(all))
	for i, r := range all {
		weighed[i] = checks.Weighed{Result: r.Result, Severity: severity(r.Decision), Open: r.Open()}
	}
	for i, m := range checks.Fold(set, weighed) {
		switch {
		case i < len(own):
			own[i].PartOf = m.PartOf
		case m.Moot != "":
			moot = append(moot, report.Moot{Check: all[i].Check, Why: m.Moot})
		}
	}
	return moot
}

func severity(d policy.Decision) int {
	switch d {
	case policy.Deny:
		return 3
	case policy.Undecided:
		return 2
	case policy.Warn:
		return 1
	}
	return 0
}
