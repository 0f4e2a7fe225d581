package serve

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
)

func TestAFullPlaceIsLookedAtLater(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var f full
	next := func(want time.Time, at time.Time) {
		t.Helper()
		if got := f.next("people", at); !got.Equal(want) {
			t.Errorf("at %s: got %s, want %s", at, got, want)
		}
	}
	next(time.Time{}, now)
	f.set("people", now, time.Minute)
	next(now.Add(fullPace), now)
	next(now.Add(59*time.Second+fullPace), now.Add(59*time.Second))
	next(time.Time{}, now.Add(time.Minute))
	next(time.Time{}, now.Add(-time.Second)) // the clock was put back
	if !f.next("others", now).IsZero() {
		t.Error("another place is full as well")
	}
	f.set("people", now, -1)
	next(time.Time{}, now)
}

// However often the same happens while a place is full, it waits once, with its number.
func TestWhatWaitsIsCounted(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	k := told{Told: []notify.Told{{ID: "0", Fate: notify.Sent, At: at, Happened: at, Subject: "r/z:1", Title: "denied"}}}
	for i := range 100 {
		k.Waiting = append(k.Waiting, happening.Happening{
			ID: fmt.Sprint(i + 1), At: at.Add(time.Duration(i) * time.Second), Type: happening.ImageJudged, Subject: "r/a:1", Title: "denied", Verdict: policy.Deny,
		})
		k.settle(notify.Plan(at.Add(time.Duration(i)*time.Second), 1, k.Told, k.Waiting), at)
		if len(k.Waiting) != 1 || len(k.Told) != 2 {
			t.Fatalf("after %d: %d wait, %d are kept", i+1, len(k.Waiting), len(k.Told))
		}
	}
	at = at.Add(time.Hour)
	step := notify.Plan(at, 1, k.Told, k.Waiting)
	if step.Fold == nil {
		t.Fatalf("got %+v", step)
	}
	if diff := cmp.Diff([]string{"100 more: 100 denied", "r/a:1: denied (100 times, last 12:01)"}, append([]string{step.Fold.Title}, step.Fold.Lines...)); diff != "" {
		t.Error(diff)
	}
	k.fate(notify.InFold, at, step.Folded...)
	if len(k.Waiting) != 0 || len(k.Told) != 2 || k.Told[1].Times != 0 {
		t.Errorf("got %+v", k)
	}
}
