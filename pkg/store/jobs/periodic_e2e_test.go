//go:build e2e

package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// With River's own schedule, which takes seconds to begin.
func TestAPeriodicTaskRunsAfterStart(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		run := make(chan string, 10)
		for i, due := range []bool{true, false, true} {
			db := open(t)
			if i == 2 {
				if _, err := db.Write.ExecContext(t.Context(), "UPDATE periodic SET last = last - 7200000000"); err != nil {
					t.Fatal(err)
				}
			}
			q := idle(t, db)
			if err := q.Handle("test", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
				run <- r.Key
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := q.Periodic("test", time.Hour, 0); err != nil {
				t.Fatal(err)
			}
			start(t, q)
			if due && receive(t, run) != jobs.PeriodicKey {
				t.Error("another key")
			}
			ticked(t, db, i+1)
			settled(t, q)
			if err := q.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(run) > 0 {
				t.Errorf("start %d: it was not due", i)
			}
		}
	})
}

// ticked waits until it was looked n times whether something is due.
func ticked(t *testing.T, db *database.DB, n int) {
	t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for range 2000 {
		var got int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM river_job WHERE kind = 'tick' AND state = 'completed'").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got >= n {
			return
		}
		<-every.C
	}
	t.Fatal("nobody looked")
}
