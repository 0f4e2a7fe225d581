package observetest

import (
	"context"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

func yieldsTest(t *testing.T, s Suite) {
	all := s.everything()
	got := s.look(t, &Place{Containers: all})
	if !got.complete() {
		t.Errorf("a whole place is incomplete: %v, %+v", got.err, got.inventory.Gaps)
	}
	if d := diff(s.wanted(all), plain(got.containers)); d != "" {
		t.Errorf("containers (-want +got):\n%s", d)
	}
}

// A runtime may remember what ran before the last end. It does not run.
func reportedTest(t *testing.T, s Suite) {
	var all []Container
	for _, c := range s.everything() {
		if c.Phase != fact.PhaseRunning {
			all = append(all, c)
		}
	}
	for _, c := range s.look(t, &Place{Containers: all}).containers {
		if c.Reported != "" || c.Manifest != "" || len(c.Also) > 0 || c.Spec.Container.Phase == fact.PhaseRunning {
			t.Errorf("%s is %q and reports %q", c.Pod, c.Spec.Container.Phase, c.Reported)
		}
	}
}

func oneAtATimeTest(t *testing.T, s Suite) {
	all := many(700) // more than a page, or than what is asked for at once
	got := s.look(t, &Place{Containers: all})
	if d := diff(s.wanted(all), plain(got.containers)); d != "" || !got.complete() {
		t.Errorf("containers (-want +got):\n%s\n%v, %+v", d, got.err, got.inventory.Gaps)
	}
}

// Thousands of equal containers hold one Spec.
func sharesTest(t *testing.T, s Suite) {
	if !s.Pods {
		t.Skip("no two containers have the same name")
	}
	all := many(20)
	for i := range all {
		all[i].Name = "cart"
	}
	specs := map[*observe.Spec]int{}
	for _, c := range s.look(t, &Place{Containers: all}).containers {
		specs[c.Spec]++
	}
	if len(specs) != 1 {
		t.Errorf("%d equal containers have %d Specs", len(all), len(specs))
	}
}

func emptyTest(t *testing.T, s Suite) {
	got := s.look(t, &Place{})
	if len(got.containers) != 0 || !got.complete() {
		t.Errorf("an empty place: %d containers, %v, %+v", len(got.containers), got.err, got.inventory.Gaps)
	}
}

func againTest(t *testing.T, s Suite) {
	all := s.everything()
	o := s.Open(t, &Place{Containers: all})
	for range 2 {
		got := watch(t.Context(), t, o, func(int) {})
		if d := diff(s.wanted(all), plain(got.containers)); d != "" || !got.complete() {
			t.Errorf("containers (-want +got):\n%s\n%v, %+v", d, got.err, got.inventory.Gaps)
		}
	}
}

func cancelledTest(t *testing.T, s Suite) {
	o := s.Open(t, &Place{Containers: many(10)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := watch(ctx, t, o, func(int) {}); image.CauseOf(got.err) != fact.Cancelled {
		t.Errorf("observed with an ended context: %d containers, error %v with cause %q", len(got.containers), got.err, image.CauseOf(got.err))
	}
}
