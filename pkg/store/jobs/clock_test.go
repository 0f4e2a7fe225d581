package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// What was wanted before the clock was put back by an hour is not an hour late: the
// rows are then as if they had been written in an hour.
func TestAClockThatWasPutBackHoldsNothingUp(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		q := idle(t, db)
		runs := make(chan string, 10)
		if err := q.Handle("test", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error { runs <- r.Key; return nil }); err != nil {
			t.Fatal(err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "waits"}, jobs.Task{Kind: "test", Key: "later", NotBefore: time.Now().Add(10 * time.Minute)})
		for _, column := range []string{"created_at", "scheduled_at"} {
			later := "datetime(" + column + ", 'subsec', '+1 hour')"
			if db.Pool != nil {
				later = column + " + interval '1 hour'"
			}
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE river_job SET "+column+" = "+later); err != nil {
				t.Fatal(err)
			}
		}
		// This one was written after the clock was put back, and waits for its time.
		want(t, q, jobs.Task{Kind: "test", Key: "much later", NotBefore: time.Now().Add(time.Hour)})
		start(t, q)
		got := map[string]bool{receive(t, runs): true, receive(t, runs): true}
		if !got["waits"] || !got["later"] {
			t.Errorf("ran %v", got)
		}
		lag := settled(t, q)
		if len(lag) != 1 || lag[0].Later != 1 {
			t.Errorf("left: %+v", lag)
		}
	})
}

func TestASteppedClockIsNoticed(t *testing.T) {
	var s jobs.Steps
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		wall, passed time.Duration
		want         bool
	}{
		{0, 0, true}, // nobody knows what was before
		{3 * time.Second, 3 * time.Second, false},
		{4 * time.Second, 6 * time.Second, true}, // put back by 2 s
		{7 * time.Second, 9 * time.Second, false},
		{time.Hour, 12 * time.Second, false}, // put forward
		{-time.Hour, 15 * time.Second, true},
		{-time.Hour + 3*time.Second, 18*time.Second + time.Second/2, false}, // slewed
	} {
		if got := s.Back(at.Add(step.wall), step.passed); got != step.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}
