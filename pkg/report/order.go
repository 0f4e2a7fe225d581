package report

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
)

// Add counts results.
func (c *Counts) Add(results []*Result) {
	for _, r := range results {
		switch r.Outcome {
		case check.Pass:
			c.Pass++
		case check.Fail:
			c.Fail++
		case check.NotApplicable:
			c.NotApplicable++
		case check.NotAsked:
			c.NotAsked++
		default:
			c.Undecided++
		}
		c.Excepted += r.Excepted
		if r.PartOf != "" {
			continue // its story is counted once
		}
		switch {
		case r.Level == policy.LevelOff:
			if r.Outcome == check.Fail {
				c.Off++
			}
		case r.Open():
			c.Open++
			if r.Decision == policy.Warn && r.Level == policy.LevelDeny {
				c.AcceptedUndecided++
			}
		case r.Decision == policy.Deny:
			c.Deny++
		case r.Decision == policy.Warn:
			c.Warn++
		}
	}
}

// Order sorts what r lists: the same run gives the same bytes.
func (r *Report) Order() {
	slices.SortStableFunc(r.Images, func(a, b Image) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(r.Targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Container, b.Container),
			a.Origins.Compare(b.Origins), cmp.Compare(a.Image, b.Image), cmp.Compare(a.Error, b.Error))
	})
	slices.Sort(r.Notices)
	r.Notices = slices.Compact(r.Notices)
}
