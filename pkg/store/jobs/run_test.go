package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestAWishIsRunOnceWithItsPayload(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		got := make(chan jobs.Task, 10)
		q := queue(t, open(t), jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			got <- r.Task
			return nil
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte(`{"n":1}`)})
		if diff := cmp.Diff(jobs.Task{Kind: "test", Key: "a", Payload: []byte(`{"n":1}`)}, receive(t, got)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
		if len(got) != 0 {
			t.Errorf("it ran again: %v", <-got)
		}
	})
}

// What an error repeats of others need not be text that a database takes.
func TestAnErrorThatIsNoTextEndsATask(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		q := queue(t, open(t), jobs.Kind{Attempts: 2, Backoff: time.Millisecond}, func(context.Context, *jobs.Run) error {
			return errors.New("a\x00b\xffc")
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Failed: 1}}, settled(t, q)); diff != "" {
			t.Fatal(diff)
		}
		failed, err := q.Failed(t.Context(), "test", 1)
		if err != nil || len(failed) != 1 || failed[0].Error != "a\ufffdb\ufffdc" {
			t.Errorf("%+v, %v", failed, err)
		}
	})
}

func TestWishesBeforeARunAreOneAndDuringItOneMore(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		entered, leave := make(chan *jobs.Run, 10), make(chan struct{})
		var at, most atomic.Int32
		q := idle(t, open(t))
		if err := q.Handle("test", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			if n := at.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer at.Add(-1)
			entered <- r
			<-leave
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: fmt.Appendf(nil, "%d", i)})
		}
		start(t, q)
		first := receive(t, entered)
		for i := range 5 {
			want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: fmt.Appendf(nil, "%d", 10+i)})
		}
		leave <- struct{}{}
		second := receive(t, entered)
		leave <- struct{}{}
		settled(t, q)
		if string(first.Payload) != "4" || string(second.Payload) != "14" || second.Generation <= first.Generation {
			t.Errorf("runs %s (%d), %s (%d)", first.Payload, first.Generation, second.Payload, second.Generation)
		}
		if len(entered) != 0 || most.Load() != 1 {
			t.Errorf("%d more runs, %d at a time", len(entered), most.Load())
		}
	})
}

func TestAnErrorAndAPanicAreTriedAgainAndGivenUp(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		var n atomic.Int32
		ok := atomic.Bool{}
		q := queue(t, open(t), jobs.Kind{Attempts: 3, Backoff: time.Millisecond}, func(_ context.Context, r *jobs.Run) error {
			switch {
			case ok.Load():
				return nil
			case n.Add(1)%2 == 0:
				panic("oh")
			}
			return fmt.Errorf("attempt %d", r.Attempt)
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Failed: 1}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
		failed, err := q.Failed(t.Context(), "test", 10)
		if err != nil || len(failed) != 1 || failed[0].Error != "attempt 3" || failed[0].Attempts != 3 || n.Load() != 3 {
			t.Errorf("after %d: %+v, %v", n.Load(), failed, err)
		}
		ok.Store(true)
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCommitIsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		if _, err := db.Write.ExecContext(t.Context(), "CREATE TABLE judged (key text, generation bigint, PRIMARY KEY (key, generation))"); err != nil {
			t.Fatal(err)
		}
		second := make(chan string, 10)
		var n atomic.Int32
		q := idle(t, db)
		if err := q.Handle("test", jobs.Kind{Backoff: time.Millisecond}, func(ctx context.Context, r *jobs.Run) error {
			return r.Commit(ctx, func(tx *jobs.Tx) error {
				if _, err := tx.ExecContext(ctx, "INSERT INTO judged VALUES ($1, $2)", r.Key, r.Generation); err != nil {
					return err
				}
				if err := q.WantTx(ctx, tx, jobs.Task{Kind: "notify", Key: fmt.Sprint(r.Key, n.Load())}); err != nil {
					return err
				}
				if n.Add(1) == 1 {
					return errors.New("once")
				}
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		if err := q.Handle("notify", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			second <- r.Key
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		start(t, q)
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if got := receive(t, second); got != "a1" {
			t.Errorf("notified %q: what was wanted in a transaction that was not committed", got)
		}
		settled(t, q)
		var rows int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM judged").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d verdicts, %v", rows, err)
		}
	})
}

func TestASnoozedTaskComesBackOrSoonerIfWanted(t *testing.T) {
	// River makes what is due within seconds available before it is due.
	for name, soon := range map[string]bool{"due much later": false, "due soon": true} {
		t.Run(name, func(t *testing.T) { testSnoozed(t, soon) })
	}
}

func testSnoozed(t *testing.T, soon bool) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		runs := make(chan int64, 10)
		db := open(t)
		q := queue(t, db, jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			runs <- r.Generation
			if string(r.Payload) == `"wait"` {
				return jobs.Snooze(time.Hour)
			}
			return nil
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte(`"wait"`)})
		first := receive(t, runs)
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Later: 1}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
		if soon {
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE river_job SET state = 'available' WHERE state = 'scheduled' AND kind = 'test'"); err != nil {
				t.Fatal(err)
			}
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte(`"go"`)})
		if second := receive(t, runs); second <= first {
			t.Errorf("generation %d, then %d", first, second)
		}
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}
