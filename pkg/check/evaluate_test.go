package check_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	fail := check.Finding{Message: "broken"}
	note := check.Finding{Message: "worth saying", Note: true}
	answer := func(a check.Answer) func(*fact.Set) check.Answer {
		return func(*fact.Set) check.Answer { return a }
	}
	neverRun := func(*fact.Set) check.Answer { panic("Run was called") }
	known := fact.Of(fact.Layer{})
	lost := fact.Missing[fact.Layer](fact.Network, "connection reset")
	declined := fact.Missing[fact.Layer](fact.NotAsked, "platform not selected")
	config := fact.Of(fact.Config{})
	layers := []fact.Kind{fact.KLayers}

	for name, tt := range map[string]struct {
		check check.Check
		set   fact.Set
		want  check.Result
	}{
		"zero_set_is_undecided": {
			check: check.Check{Needs: []fact.Kind{fact.KConfig}, Run: neverRun},
			want:  check.Result{Cause: fact.Internal, Why: "config was not gathered"},
		},
		"kind_that_does_not_exist_is_undecided": {
			check: check.Check{Needs: []fact.Kind{"weather"}, Run: neverRun},
			want:  check.Result{Cause: fact.Internal, Why: "no fact is called weather"},
		},
		"single_value_unknown": {
			check: check.Check{Needs: []fact.Kind{fact.KConfig}, Run: neverRun},
			set:   fact.Set{Config: fact.Missing[fact.Config](fact.RateLimited, "429")},
			want:  check.Result{Cause: fact.RateLimited, Why: "429"},
		},
		"single_value_not_asked": {
			check: check.Check{Needs: []fact.Kind{fact.KConfig}, Run: neverRun},
			set:   fact.Set{Config: fact.Missing[fact.Config](fact.NotAsked, "depth reference")},
			want:  check.Result{Outcome: check.NotAsked, Cause: fact.NotAsked, Why: "depth reference"},
		},
		"not_asked_gives_way_to_undecided": {
			check: check.Check{Needs: []fact.Kind{fact.KUser, fact.KConfig}, Run: neverRun},
			set: fact.Set{
				User:   fact.Missing[fact.User](fact.NotAsked, "depth manifest"),
				Config: fact.Missing[fact.Config](fact.Limit, "config size is 9 and exceeds the limit of 8"),
			},
			want: check.Result{Cause: fact.Limit, Why: "config size is 9 and exceeds the limit of 8"},
		},
		"fail_beside_what_was_not_asked": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{Findings: []check.Finding{fail}})},
			set:   fact.Set{Layers: fact.ListOf(known, declined)},
			want:  check.Result{Outcome: check.Fail, Cause: fact.NotAsked, Why: "1 of 2 layers: platform not selected", Findings: []check.Finding{fail}},
		},
		"absent_is_enough": {
			check: check.Check{Needs: []fact.Kind{fact.KPin}, Run: answer(check.Answer{})},
			set:   fact.Set{Pin: fact.None[fact.Pin]()},
			want:  check.Result{Outcome: check.Pass},
		},
		"used_fact_may_be_unknown": {
			check: check.Check{Needs: []fact.Kind{fact.KConfig}, Uses: layers, Run: answer(check.Answer{})},
			set:   fact.Set{Config: config},
			want:  check.Result{Outcome: check.Pass},
		},
		"empty_list_passes": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{})},
			set:   fact.Set{Layers: fact.ListOf[fact.Layer]()},
			want:  check.Result{Outcome: check.Pass},
		},
		"unknown_list_runs_and_is_undecided": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{Findings: []check.Finding{note}})},
			set:   fact.Set{Layers: fact.MissingList[fact.Layer](fact.Forbidden, "403")},
			want:  check.Result{Cause: fact.Forbidden, Why: "403", Findings: []check.Finding{note}},
		},
		"unknown_part_turns_pass_into_undecided": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{})},
			set:   fact.Set{Layers: fact.ListOf(known, declined, lost, lost)},
			want:  check.Result{Cause: fact.Network, Why: "2 of 4 layers: connection reset"},
		},
		"unknown_part_does_not_hide_a_failure": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{Findings: []check.Finding{note, fail}})},
			set:   fact.Set{Layers: fact.ListOf(known, lost)},
			want: check.Result{
				Outcome: check.Fail, Findings: []check.Finding{fail, note},
				// If exceptions accept all findings this is what is left.
				Cause: fact.Network, Why: "1 of 2 layers: connection reset",
			},
		},
		"parts_not_asked": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{})},
			set:   fact.Set{Layers: fact.ListOf(known, declined)},
			want: check.Result{
				Outcome: check.NotAsked, Cause: fact.NotAsked,
				Why: "1 of 2 layers: platform not selected",
			},
		},
		"run_says_undecided": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{Undecided: true, Cause: fact.Encrypted, Why: "layer 1 is encrypted"})},
			set:   fact.Set{Layers: fact.ListOf(known, declined)},
			want:  check.Result{Cause: fact.Encrypted, Why: "layer 1 is encrypted"},
		},
		"run_says_undecided_without_a_cause": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{Undecided: true})},
			set:   fact.Set{Layers: fact.ListOf(known)},
			want:  check.Result{Cause: fact.Internal},
		},
		"run_says_not_applicable": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{NotApplicable: "no tag"})},
			set:   fact.Set{Layers: fact.ListOf(lost)},
			want:  check.Result{Outcome: check.NotApplicable, Why: "no tag"},
		},
		"run_says_not_asked": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{NotAsked: "no rule requires it"})},
			set:   fact.Set{Layers: fact.ListOf(known)},
			want:  check.Result{Outcome: check.NotAsked, Cause: fact.NotAsked, Why: "no rule requires it"},
		},
		"run_says_not_asked_and_a_part_is_lost": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{NotAsked: "depth manifest"})},
			set:   fact.Set{Layers: fact.ListOf(known, lost)},
			want:  check.Result{Cause: fact.Network, Why: "1 of 2 layers: connection reset"},
		},
		"run_says_not_asked_and_so_is_a_part": {
			check: check.Check{Needs: layers, Run: answer(check.Answer{NotAsked: "depth manifest"})},
			set:   fact.Set{Layers: fact.ListOf(known, declined)},
			want:  check.Result{Outcome: check.NotAsked, Cause: fact.NotAsked, Why: "depth manifest"},
		},
		"applies_comes_before_what_is_unknown": {
			check: check.Check{
				Needs: []fact.Kind{fact.KFilesystem}, Uses: []fact.Kind{fact.KConfig}, Run: neverRun,
				Applies: func(s *fact.Set) string {
					if s.Config.State == fact.Known {
						return "windows"
					}
					return ""
				},
			},
			set:  fact.Set{Config: config},
			want: check.Result{Outcome: check.NotApplicable, Why: "windows"},
		},
		"other_class": {
			check: check.Check{Images: true, Needs: layers, Run: neverRun},
			set:   fact.Set{Image: fact.Of(fact.Image{Class: fact.ClassArtifact})},
			want:  check.Result{Outcome: check.NotApplicable, Why: "class artifact"},
		},
		"class_unknown": {
			check: check.Check{Images: true, Needs: layers, Run: neverRun},
			set:   fact.Set{Image: fact.Missing[fact.Image](fact.ServerError, "503"), Layers: fact.ListOf(known)},
			want:  check.Result{Cause: fact.ServerError, Why: "503"},
		},
		"index_is_an_image": {
			check: check.Check{Images: true, Needs: layers, Run: answer(check.Answer{})},
			set:   fact.Set{Image: fact.Of(fact.Image{Class: fact.ClassIndex}), Layers: fact.ListOf(known)},
			want:  check.Result{Outcome: check.Pass},
		},
		"panic_is_undecided": {
			check: check.Check{Needs: layers, Run: func(*fact.Set) check.Answer { panic("index out of range") }},
			set:   fact.Set{Layers: fact.ListOf(known)},
			want:  check.Result{Cause: fact.Internal, Why: "CHK001 panicked: index out of range"},
		},
		"no_run_is_undecided": {
			check: check.Check{Needs: layers},
			set:   fact.Set{Layers: fact.ListOf(known)},
			want: check.Result{
				Cause: fact.Internal,
				Why:   "CHK001 panicked: runtime error: invalid memory address or nil pointer dereference",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.check.ID, tt.want.Check = "CHK001", "CHK001"
			got := check.Evaluate(tt.check, &tt.set)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("Evaluate (-want +got):\n%s", d)
			}
		})
	}
}

func TestEvaluate_shows_only_what_is_declared(t *testing.T) {
	t.Parallel()
	s := fact.Set{
		Config: fact.Of(fact.Config{User: "app"}), User: fact.Of(fact.User{UID: 7}),
		Image: fact.Of(fact.Image{Class: fact.ClassImage}), Tag: fact.Of(fact.Tag{Name: "1"}),
	}
	var seen fact.Set
	check.Evaluate(check.Check{
		ID: "CHK001", Images: true, Needs: []fact.Kind{fact.KConfig}, Uses: []fact.Kind{fact.KUser},
		Run: func(s *fact.Set) check.Answer { seen = *s; return check.Answer{} },
	}, &s)
	if d := cmp.Diff(fact.Set{Config: s.Config, User: s.User}, seen); d != "" {
		t.Errorf("Run saw (-want +got):\n%s", d)
	}
}

func TestEvaluate_sorts_findings_of_a_copy(t *testing.T) {
	t.Parallel()
	given := []check.Finding{
		{Message: "b", Note: true},
		{Message: "b", Layer: 10},
		{Message: "b", Layer: 2, Dir: "/b"},
		{Message: "c", Layer: 2, Dir: "/a"},
		{Message: "a", Layer: 2, Dir: "/a"},
	}
	want := []check.Finding{given[4], given[3], given[2], given[1], given[0]}
	before := append([]check.Finding(nil), given...)
	got := check.Evaluate(check.Check{
		Needs: []fact.Kind{fact.KPin},
		Run:   func(*fact.Set) check.Answer { return check.Answer{Findings: given} },
	}, &fact.Set{Pin: fact.None[fact.Pin]()})
	if d := cmp.Diff(want, got.Findings); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if d := cmp.Diff(before, given); d != "" {
		t.Errorf("Run's own findings were changed (-before +after):\n%s", d)
	}
}
