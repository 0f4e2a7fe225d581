package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve"
	"github.com/intact-dev/intact/pkg/serve/watch"
)

// What runs is looked at some time after a push, when the rollout that follows may be
// over, and once for many pushes; not at once, though it would be looked at anyway.
func TestAPushIsFollowedByALookLater(t *testing.T) {
	t.Parallel()
	looked := make(quiet)
	text := strings.Replace(hooked, "serve:", "contexts: {prod: {kind: kubernetes}}\nserve:\n  watch: [{context: prod, every: 1h}]", 1)
	w := newWorld(t, text, func(w *world) {
		w.change = func(n *serve.Snapshot) {
			n.Runtimes = map[string][]scan.Runtime{"prod": {{Observer: looked, Name: "prod"}}}
		}
	})
	<-looked // at the start
	w.tells(1)
	w.rests(watch.Kind)
	const later = 30 * time.Second
	began := time.Now()
	var due time.Time
	for i, tag := range []string{"1.0.0", "2.0.0", "3.0.0"} {
		w.push("acme/app", tag, tag)
		if status := w.event(tag, "acme/app", tag, secret); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
		w.tells(2 + i)
		s, ok, err := w.service.Queue().State(t.Context(), watch.Kind, "prod")
		switch {
		case err != nil || !ok:
			t.Fatalf("%v %v", ok, err)
		case i == 0 && (s.Due.Before(began.Add(later).Truncate(time.Second)) || s.Due.After(time.Now().Add(later))):
			t.Fatalf("it is looked at at %s, and the push was after %s", s.Due, began)
		case i == 0:
			due = s.Due
		case time.Now().After(due):
			t.Logf("a slow machine: %d pushes took %s", i+1, time.Since(began))
			return
		case !s.Due.Equal(due):
			t.Errorf("push %d moves it from %s to %s", i+1, due, s.Due)
		}
	}
}

// rests returns when no task of a kind is due or runs.
func (w *world) rests(kind string) {
	w.t.Helper()
	for {
		all, err := w.service.Queue().Lag(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		busy := 0
		for _, l := range all {
			if l.Kind == kind {
				busy = l.Waiting + l.Running
			}
		}
		if busy == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
