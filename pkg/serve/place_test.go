package serve_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// A place that asks to be left alone is, whatever happens meanwhile.
func TestAPlaceIsNotAskedBeforeItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, func(w *world) { w.busy.Store(0) })
	push := func(n int) {
		t.Helper()
		tag := fmt.Sprintf("%d.0.0", n)
		w.push("acme/app", tag, tag)
		if status := w.event(tag, "acme/app", tag, secret); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
	}
	for n := range 3 {
		push(n)
		for range 1500 { // until it waits
			var known struct{ Waiting []happening.Happening }
			if s, err := w.store.State(t.Context(), "notify people"); err != nil || json.Unmarshal(s.Data, &known) != nil {
				t.Fatalf("%s: %v", s.Data, err)
			}
			if len(known.Waiting) > n {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if n := w.busy.Load(); n != 1 {
		t.Errorf("it was asked %d times within its hour", n)
	}
	w.moved.Store(true) // another address never said so
	push(3)
	w.tells(4)
}
