package observetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// What can be seen is seen, and what cannot is said.
func hiddenTest(t *testing.T, s Suite) {
	seen, whole := s.hide(s.everything())
	got := s.look(t, &Place{Containers: whole, Fault: HidesPart})
	if got.complete() {
		t.Error("a part that cannot be seen is neither a gap nor an error")
	}
	have := map[key]bool{}
	for _, c := range got.containers {
		have[keyOf(c)] = true
	}
	for _, c := range s.wanted(seen) {
		k := key{c.Namespace, c.Pod, string(c.Role), c.Name, ""}
		if c.Role == fact.RoleVolume {
			k.volume = c.Reported
		}
		if !have[k] {
			t.Errorf("container %+v was lost with what is hidden", k)
		}
	}
}

// A place that dies leaves what was seen, and an end that is no clean one.
func diesTest(t *testing.T, s Suite) {
	all := many(700)
	got := s.look(t, &Place{Containers: all, Fault: Dies})
	if got.complete() {
		t.Fatalf("%d of %d containers were seen, and nothing is said to be missing", len(got.containers), len(all))
	}
	if got.err != nil {
		switch c := image.CauseOf(got.err); c {
		case fact.NotGathered, fact.NotFound:
			t.Errorf("error %v has the cause %q", got.err, c)
		}
	}
	there := map[string]bool{}
	for _, c := range all {
		there[c.Pod] = true
	}
	for _, c := range got.containers {
		if !there[c.Pod] {
			t.Errorf("container %q was never there", c.Pod)
		}
	}
}

// A place that does not answer is left when the context ends.
func contextTest(t *testing.T, s Suite) {
	hung := make(chan struct{})
	var once sync.Once
	o := s.Open(t, &Place{Containers: many(700), Fault: Hangs, Hung: func() { once.Do(func() { close(hung) }) }})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan observed, 1)
	go func() { done <- watch(ctx, t, o, func(int) {}) }()
	safety := time.NewTimer(time.Minute) // far more than is needed; a hang shows here and not in a dump
	defer safety.Stop()
	select {
	case <-hung:
	case got := <-done:
		t.Fatalf("Observe ended before the place hung: %v, %+v", got.err, got.inventory.Gaps)
	case <-safety.C:
		t.Fatal("the place was never asked")
	}
	cancel()
	select {
	case got := <-done:
		if c := image.CauseOf(got.err); c != fact.Cancelled {
			t.Errorf("error %v has the cause %q, want %q", got.err, c, fact.Cancelled)
		}
	case <-safety.C:
		t.Fatal("Observe goes on after its context ended")
	}
}
