package report

import (
	"errors"
	"fmt"

	"github.com/intact-dev/intact/pkg/policy"
)

// Merge makes one report of those that one policy made on one day, each of other
// targets: what one run over all of them had said. An image that several have is
// there once. It does not change its arguments.
func Merge(all ...*Report) (*Report, error) {
	if len(all) == 0 {
		return nil, errors.New("merge reports: there is none")
	}
	out := *all[0]
	out.Images, out.Targets, out.Inventories, out.Suggestions, out.Notices = []Image{}, []Target{}, nil, nil, nil
	out.Counts = Counts{}
	type image struct{ name, source string }
	seen := map[image]bool{}
	for _, r := range all {
		if r.Policy != out.Policy {
			return nil, fmt.Errorf("merge reports: one is by policy %s, another by %s: the policy changed in between", out.Policy.Digest, r.Policy.Digest)
		}
		if !r.Evaluated.Equal(out.Evaluated) {
			return nil, fmt.Errorf("merge reports: one is judged as of %s, another of %s", out.Evaluated, r.Evaluated)
		}
		out.Verdict = policy.Worst(out.Verdict, r.Verdict)
		out.Elapsed = max(out.Elapsed, r.Elapsed)
		out.Targets = append(out.Targets, r.Targets...)
		out.Inventories = append(out.Inventories, r.Inventories...)
		out.Suggestions = append(out.Suggestions, r.Suggestions...)
		out.Notices = append(out.Notices, r.Notices...)
		for _, i := range r.Images {
			if k := (image{i.Image, i.Source}); !seen[k] {
				seen[k] = true
				out.Images = append(out.Images, i)
			}
		}
	}
	for _, i := range out.Images {
		out.Counts.Add(i.Results)
	}
	for _, t := range out.Targets {
		out.Counts.AddTarget(t)
	}
	out.Order()
	return &out, nil
}
