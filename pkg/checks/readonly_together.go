package checks

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
)

// Together is the plan for two containers of one template: it has to suit both.
func Together(a, b Plan) Plan {
	switch {
	case a.NotApplicable != "":
		return b
	case b.NotApplicable != "":
		return a
	case a.Done && b.Done:
		return a
	}
	out := Plan{
		Against: union(a.Against, b.Against), Remarks: union(a.Remarks, b.Remarks), Unknown: union(a.Unknown, b.Unknown),
		Feasible: fact.TriUnknown, Mounts: slices.Clone(a.Mounts),
	}
	switch {
	case a.Feasible == fact.No || b.Feasible == fact.No:
		out.Feasible = fact.No
	case a.Feasible == fact.Yes && b.Feasible == fact.Yes:
		out.Feasible = fact.Yes
	}
	for _, m := range b.Mounts {
		i := slices.IndexFunc(out.Mounts, func(n PlannedMount) bool { return n.Path == m.Path })
		if i < 0 {
			out.Mounts = append(out.Mounts, m)
			continue
		}
		n := &out.Mounts[i]
		n.Why = union(n.Why, m.Why)
		if n.Hides < 0 || m.Hides < 0 {
			n.Hides = -1
		} else {
			n.Hides = max(n.Hides, m.Hides)
		}
	}
	slices.SortFunc(out.Mounts, func(a, b PlannedMount) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
