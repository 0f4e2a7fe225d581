package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
)

func TestPlansOfTwoContainersSuitBoth(t *testing.T) {
	t.Parallel()
	tmp := checks.PlannedMount{Path: "/tmp", Why: []string{"written"}}
	yes := checks.Plan{Feasible: fact.Yes, Mounts: []checks.PlannedMount{tmp}}
	for name, tt := range map[string]struct{ a, b, want checks.Plan }{
		"one_is_none": {yes, checks.Plan{NotApplicable: "windows container"}, yes},
		"both_are":    {checks.Plan{Done: true, Feasible: fact.Yes}, checks.Plan{Done: true, Feasible: fact.Yes}, checks.Plan{Done: true, Feasible: fact.Yes}},
		"one_is_not":  {checks.Plan{Done: true, Feasible: fact.Yes}, yes, yes},
		"one_unknown": {yes, checks.Plan{Unknown: []string{"layers"}}, checks.Plan{Mounts: yes.Mounts, Unknown: []string{"layers"}}},
		"one_against": {yes, checks.Plan{Feasible: fact.No, Against: []string{"changes its code"}}, checks.Plan{Feasible: fact.No, Mounts: yes.Mounts, Against: []string{"changes its code"}}},
		"other_mounts": {yes, checks.Plan{Feasible: fact.Yes, Mounts: []checks.PlannedMount{{Path: "/run", Hides: -1}, {Path: "/tmp", Why: []string{"VOLUME"}, Hides: 2}}},
			checks.Plan{Feasible: fact.Yes, Mounts: []checks.PlannedMount{{Path: "/run", Hides: -1}, {Path: "/tmp", Why: []string{"written", "VOLUME"}, Hides: 2}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, checks.Together(tt.a, tt.b)); d != "" {
				t.Error(d)
			}
			if got := checks.Together(tt.b, tt.a).Feasible; got != tt.want.Feasible {
				t.Errorf("the other way round: %q", got)
			}
		})
	}
}
