package jobs_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestStopLetsRunsFinish(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		entered, leave, stopped := make(chan bool), make(chan bool), make(chan error)
		q := queue(t, open(t), jobs.Kind{}, func(ctx context.Context, _ *jobs.Run) error {
			entered <- true
			<-leave
			return ctx.Err()
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		receive(t, entered)
		go func() { stopped <- q.Stop(t.Context()) }()
		leave <- true
		if err := receive(t, stopped); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStopCancelsWhatGoesOnAndTheNextStartRunsIt(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		entered := make(chan bool, 1)
		q := queue(t, open(t), jobs.Kind{Attempts: 1}, func(ctx context.Context, _ *jobs.Run) error {
			entered <- true
			<-ctx.Done()
			return ctx.Err()
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		receive(t, entered)
		stopAndStart(t, q, open)
	})
}

// stopAndStart stops the only run of q at once, and has the next process do it.
func stopAndStart(t *testing.T, q *jobs.Queue, open func(*testing.T) *database.DB) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Stop(over); err != nil {
		t.Fatal(err)
	}
	attempts := make(chan int, 1)
	queue(t, open(t), jobs.Kind{Attempts: 1}, func(_ context.Context, r *jobs.Run) error {
		attempts <- r.Attempt
		return nil
	})
	if n := receive(t, attempts); n != 1 {
		t.Errorf("attempt %d: a shutdown counted as a failure", n)
	}
}

func TestARunThatIsTooLongFails(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		q := queue(t, open(t), jobs.Kind{Attempts: 1, Timeout: time.Millisecond}, func(ctx context.Context, _ *jobs.Run) error {
			<-ctx.Done()
			return ctx.Err()
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Failed: 1}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestARunThatWasTakenOverCommitsNothing(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		if _, err := db.Write.ExecContext(t.Context(), "CREATE TABLE judged (key text)"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		q := queue(t, db, jobs.Kind{}, func(ctx context.Context, r *jobs.Run) error {
			if _, err := db.Write.ExecContext(ctx, "UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP WHERE kind = 'test' AND state = 'running'"); err != nil {
				return err
			}
			err := r.Commit(ctx, func(tx *jobs.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO judged VALUES ('a')")
				return err
			})
			ended <- err
			return err
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		if err := receive(t, ended); !errors.Is(err, jobs.ErrLost) {
			t.Errorf("got %v", err)
		}
		var n int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM judged").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d verdicts, %v", n, err)
		}
	})
}

func TestStartTakesOverWhatADeadProcessRan(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		q := idle(t, db)
		attempts := make(chan int, 10)
		if err := q.Handle("test", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error { attempts <- r.Attempt; return nil }); err != nil {
			t.Fatal(err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		by := `jsonb('["gone"]')`
		if db.Pool != nil {
			by = "ARRAY['gone']"
		}
		if _, err := db.Write.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP, attempted_by = "+by); err != nil {
			t.Fatal(err)
		}
		start(t, q)
		if n := receive(t, attempts); n != 2 {
			t.Errorf("attempt %d", n)
		}
		settled(t, q)
	})
}

func TestAPeriodicTaskIsDueByTheStore(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		run := make(chan string, 10)
		q := idle(t, db)
		if err := q.Handle("test", jobs.Kind{}, func(_ context.Context, r *jobs.Run) error { run <- r.Key; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := q.Periodic("test", time.Hour, 0); err != nil {
			t.Fatal(err)
		}
		start(t, q)
		const hour = 3_600_000_000
		for _, tt := range []struct {
			name  string
			moved int64 // of the time when it last was
			due   bool
		}{{"never", 0, true}, {"just now", 0, false}, {"long ago", -hour, true}, {"in the future", hour, true}} {
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE periodic SET last = last + $1", tt.moved); err != nil {
				t.Fatal(err)
			}
			if err := jobs.Tick(q, t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			settled(t, q)
			if got := len(run) > 0; got != tt.due {
				t.Errorf("%s: due is %v", tt.name, got)
			}
			for len(run) > 0 {
				if key := <-run; key != jobs.PeriodicKey {
					t.Errorf("%s: key %q", tt.name, key)
				}
			}
		}
	})
}

func TestOldRowsGoAndGenerationsGoOn(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		var last atomic.Int64
		q := queue(t, db, jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			last.Store(r.Generation)
			return nil
		})
		old := time.Now().Add(-25 * time.Hour).UnixMicro()
		for range 3 {
			want(t, q, jobs.Task{Kind: "test", Key: "a"})
			settled(t, q)
		}
		before := last.Load()
		if _, err := db.Write.ExecContext(t.Context(), "UPDATE tasks SET changed = $1", old); err != nil {
			t.Fatal(err)
		}
		want(t, q, jobs.Task{Kind: "later", Key: "a"}) // nobody runs it: it stays
		if err := jobs.Prune(q, t.Context()); err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM tasks").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		for last.Load() == before {
			runtime.Gosched()
		}
		if last.Load() < before {
			t.Errorf("generation %d after %d", last.Load(), before)
		}
	})
}

func TestOneProcessServesAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	first, second := idle(t, openDB(t, file)), idle(t, openDB(t, file))
	start(t, first)
	if err := second.Start(t.Context()); !errors.Is(err, jobs.ErrServed) {
		t.Errorf("got %v", err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, second)
}

func TestBadTasksAndKindsAreErrors(t *testing.T) {
	t.Parallel()
	q := idle(t, openDB(t, filepath.Join(t.TempDir(), "store.db")))
	for _, task := range []jobs.Task{
		{}, {Kind: "test"}, {Key: "a"}, {Kind: "Test", Key: "a"}, {Kind: "tick", Key: "a"}, {Kind: "test", Key: strings.Repeat("a", 1025)},
		{Kind: "test", Key: "a\x00"}, {Kind: "test", Key: "\xff"}, {Kind: "test", Key: "a", Payload: []byte("{")}, {Kind: "test", Key: "a", Payload: []byte("\"\xff\"")},
	} {
		if err := q.Want(t.Context(), jobs.Task{Kind: "test", Key: "good"}, task); err == nil {
			t.Errorf("%+v is wanted", task)
		}
	}
	if lag, err := q.Lag(t.Context()); err != nil || len(lag) != 0 {
		t.Errorf("%+v, %v", lag, err)
	}
	h := func(context.Context, *jobs.Run) error { return nil }
	for name, err := range map[string]error{
		"reserved": q.Handle("tick", jobs.Kind{}, h), "negative": q.Handle("test", jobs.Kind{Timeout: -1}, h), "first": q.Handle("test", jobs.Kind{}, h),
		"twice": q.Handle("test", jobs.Kind{}, h), "unknown": q.Periodic("other", time.Hour, 0), "often": q.Periodic("test", time.Millisecond, 0),
		"wide": q.Periodic("test", time.Hour, 2*time.Hour),
	} {
		if (err == nil) != (name == "first") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Not parallel: it looks at what all goroutines do.
func TestNothingGoesOnAfterStop(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "store.db"))
	ran := make(chan bool, 1)
	q := queue(t, db, jobs.Kind{}, func(context.Context, *jobs.Run) error { ran <- true; return nil })
	want(t, q, jobs.Task{Kind: "test", Key: "a"})
	receive(t, ran)
	if err := q.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stack := ""
	for range 100 { // a goroutine that is done may not be gone
		b := make([]byte, 1<<20)
		stack = string(b[:runtime.Stack(b, true)])
		if !strings.Contains(stack, "riverqueue") && !strings.Contains(stack, "jobs.(*") {
			return
		}
		runtime.Gosched()
	}
	t.Error(stack)
}
