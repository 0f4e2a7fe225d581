package jobs_test

import (
	"context"
	"testing"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A process that dies has tried what it had begun, not what waited for its turn.
func TestWaitingForATurnIsNoAttempt(t *testing.T) {
	for name, tt := range map[string]struct {
		begun string // of the task, as the dead process left it
		want  int
	}{
		"it waited":                      {"0", 1},
		"it had begun":                   {"(SELECT id FROM river_job WHERE kind = 'test')", 2},
		"an earlier job of it had begun": {"(SELECT id - 1 FROM river_job WHERE kind = 'test')", 1},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
				db := open(t)
				q := idle(t, db)
				attempts := make(chan int, 10)
				k := jobs.Kind{Turn: func(context.Context) (func(), error) { return func() {}, nil }}
				if err := q.Handle("test", k, func(_ context.Context, r *jobs.Run) error { attempts <- r.Attempt; return nil }); err != nil {
					t.Fatal(err)
				}
				want(t, q, jobs.Task{Kind: "test", Key: "a"})
				by := `jsonb('["gone"]')`
				if db.Pool != nil {
					by = "ARRAY['gone']"
				}
				for _, change := range []string{
					"UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP, attempted_by = " + by,
					"UPDATE tasks SET begun = " + tt.begun,
				} {
					if _, err := db.Write.ExecContext(t.Context(), change); err != nil {
						t.Fatal(err)
					}
				}
				start(t, q)
				if n := receive(t, attempts); n != tt.want {
					t.Errorf("attempt %d, not %d", n, tt.want)
				}
				settled(t, q)
			})
		})
	}
}

func TestARunBeginsWithItsTurn(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		waits, turn, over := make(chan bool), make(chan bool), make(chan bool, 1)
		type began struct {
			attempt  int
			begun    int64
			payload  string
			deadline bool
		}
		runs := make(chan began, 1)
		q := queue(t, db, jobs.Kind{Turn: func(ctx context.Context) (func(), error) {
			if _, limited := ctx.Deadline(); limited {
				t.Error("the turn is part of the run's time")
			}
			waits <- true
			<-turn
			return func() { over <- true }, nil
		}}, func(ctx context.Context, r *jobs.Run) error {
			b := began{attempt: r.Attempt, payload: string(r.Payload)}
			_, b.deadline = ctx.Deadline()
			err := db.Read.QueryRowContext(ctx, "SELECT begun FROM tasks WHERE kind = 'test'").Scan(&b.begun)
			runs <- b
			return err
		})
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte("1")})
		receive(t, waits)
		var begun int64
		if err := db.Read.QueryRowContext(t.Context(), "SELECT begun FROM tasks WHERE kind = 'test'").Scan(&begun); err != nil || begun != 0 {
			t.Errorf("begun is %d while it waits, %v", begun, err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte("2")})
		turn <- true
		if b := receive(t, runs); b.attempt != 1 || b.begun == 0 || b.payload != "2" || !b.deadline {
			t.Errorf("%+v", b)
		}
		receive(t, over)
		go func() { // the second wish came before the run looked, and is wanted once more all the same
			for {
				select {
				case <-waits:
				case turn <- true:
				case <-t.Context().Done():
					return
				}
			}
		}()
		settled(t, q)
	})
}

func TestStopEndsTheWaitForATurn(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		waits := make(chan bool, 1)
		q := queue(t, open(t), jobs.Kind{Attempts: 1, Turn: func(ctx context.Context) (func(), error) {
			waits <- true
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}}, func(context.Context, *jobs.Run) error { return nil })
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		receive(t, waits)
		stopAndStart(t, q, open)
	})
}
