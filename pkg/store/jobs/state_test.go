package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestStateOfATask(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		var fails atomic.Bool
		q := idle(t, open(t))
		if err := q.Handle("test", jobs.Kind{Attempts: 1}, func(context.Context, *jobs.Run) error {
			if fails.Load() {
				return errors.New("no luck")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		state := func() jobs.State {
			t.Helper()
			s, ok, err := q.State(t.Context(), "test", "a")
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			return s
		}
		if _, ok, err := q.State(t.Context(), "test", "a"); ok || err != nil {
			t.Fatalf("never wanted: %v %v", ok, err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		waits := state()
		if waits.Wanted <= waits.Done || waits.Due.IsZero() || !waits.Failed.IsZero() {
			t.Errorf("wanted: %+v", waits)
		}
		start(t, q)
		settled(t, q)
		if s := state(); s.Done < waits.Wanted || s.Due != (time.Time{}) || s.Error != "" {
			t.Errorf("done: %+v", s)
		}
		fails.Store(true)
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		settled(t, q)
		if s := state(); s.Done >= s.Wanted || s.Failed.IsZero() || s.Error != "no luck" {
			t.Errorf("given up: %+v", s)
		}
	})
}
