package serve

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
)

// A told is what is remembered of a place: up to which happening it knows, what
// became of the last ones, and what waits.
type told struct {
	After   int64                 `json:"after"`
	Told    []notify.Told         `json:"told,omitempty"`
	Waiting []happening.Happening `json:"waiting,omitempty"`
	Failed  int                   `json:"failed,omitempty"` // attempts in a row
	// The last of them was at Since, and To is the mark of where it went: nothing is
	// sent there before Until.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	To    string    `json:"to,omitempty"`
}

// pause is how long nothing is sent to a place that failed, however much happens
// meanwhile. It does not hold for another address, nor if the clock was put back.
func (t *told) pause(place notify.Place, at time.Time) time.Duration {
	if t.To != place.Mark() || at.Before(t.Since) {
		return 0
	}
	return max(0, t.Until.Sub(at))
}

func toldState(place string) string { return "notify " + place }

// settle applies what a step says of those that need no message now.
func (t *told) settle(step notify.Step, at time.Time) {
	t.drop(step.Done)
	t.fate(notify.Held, at, step.Held...)
	t.fate(notify.Repeated, at, step.Repeated...)
	t.Told, t.Waiting = notify.Keep(at, t.Told, t.Waiting)
}

// fate says what became of happenings at the place.
func (t *told) fate(f notify.Fate, at time.Time, all ...happening.Happening) {
	if len(all) == 0 {
		return
	}
	times := map[string]int{}
	for _, h := range all {
		times[h.ID] = 0
	}
	t.Told = slices.DeleteFunc(t.Told, func(o notify.Told) bool {
		_, again := times[o.ID]
		if again {
			times[o.ID] = o.Times
		}
		return again
	})
	for _, h := range all {
		n := notify.Told{ID: h.ID, Fate: f, At: at, Happened: h.At, Subject: h.Subject, Title: h.Title}
		if n.Waits() {
			n.Times = times[h.ID]
		}
		t.Told = append(t.Told, n)
	}
	if !(notify.Told{Fate: f}).Waits() {
		t.drop(all)
	}
}

func (t *told) drop(all []happening.Happening) {
	gone := map[string]bool{}
	for _, h := range all {
		gone[h.ID] = true
	}
	t.Waiting = slices.DeleteFunc(t.Waiting, func(o happening.Happening) bool { return gone[o.ID] })
}

// remember writes t down, without what no plan needs any more.
func (s *Service) remember(ctx context.Context, place string, t *told, at time.Time) error {
	t.Told, t.Waiting = notify.Keep(at, t.Told, t.Waiting)
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.o.Store.SetState(ctx, toldState(place), data, at)
}

// A full says of places that they can be told nothing for some time, as far as this
// process knows. Whatever happens meanwhile is looked at every other second.
type full struct {
	mu    sync.Mutex
	since map[string]time.Time // when that was found
	till  map[string]time.Time
}

// fullPace is how often what happens is noted for a place that cannot be told.
const fullPace = 2 * time.Second

// set notes at a time that the place can be told nothing for d; 0 or less = it can.
func (f *full) set(place string, at time.Time, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d <= 0 {
		delete(f.since, place)
		delete(f.till, place)
		return
	}
	if f.till == nil {
		f.since, f.till = map[string]time.Time{}, map[string]time.Time{}
	}
	f.since[place], f.till[place] = at, at.Add(d)
}

// next is when to look at the place again because of what happens now; zero = at once.
func (f *full) next(place string, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.since[place]) || !now.Before(f.till[place]) {
		return time.Time{}
	}
	return now.Add(fullPace)
}
