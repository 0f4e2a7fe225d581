package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// A Run is one attempt at a task.
type Run struct {
	Task
	// Generation is that of the latest wish when the attempt began. It goes up,
	// and each generation of a key ends once: what is keyed by it is not recorded
	// twice, even if a process dies and the task is run again.
	Generation int64
	Attempt    int       // 1 is the first
	Due        time.Time // when it could have begun

	q     *Queue
	row   *rivertype.JobRow
	base  int64 // the generation when this series of attempts began
	done  int64 // the one that was answered before
	ended bool
}

// Commit ends the run as done and commits what f does in the same transaction:
// both, or neither. Wishes of f are part of it (see [Queue.WantTx]). f may be
// called again if the database asks for it; nil is nothing. The handler must not
// call it twice. [ErrLost] means that another process has the task now.
func (r *Run) Commit(ctx context.Context, f func(tx *Tx) error) error {
	return r.end(ctx, f, outcome{})
}

// CommitAgain is Commit, and wants the task once more after d. A wish that came
// while this run went on makes it earlier.
func (r *Run) CommitAgain(ctx context.Context, d time.Duration, f func(tx *Tx) error) error {
	return r.end(ctx, f, outcome{again: true, after: d})
}

// Snooze is what a handler returns to end its run without effect and to have
// another one after d, of the next generation.
func Snooze(d time.Duration) error { return &snooze{d} }

// Snoozed reports whether err is of [Snooze].
func Snoozed(err error) bool { var s *snooze; return errors.As(err, &s) }

type snooze struct{ d time.Duration }

func (s *snooze) Error() string { return fmt.Sprintf("snooze for %s", s.d) }

// An outcome is how a run ends, when it ends for good.
type outcome struct {
	again  bool
	after  time.Duration
	failed error // given up
	delay  time.Duration
}

func (r *Run) end(ctx context.Context, f func(tx *Tx) error, o outcome) error {
	if r.ended {
		return fmt.Errorf("end run of %s %q: it has ended", r.Kind, r.Key)
	}
	err := r.q.Tx(ctx, func(tx *Tx) error {
		if _, _, err := r.lock(ctx, tx); err != nil {
			return err
		}
		if err := r.mine(ctx, tx); err != nil {
			return err
		}
		if f != nil {
			if err := f(tx); err != nil {
				return err
			}
		}
		wanted, next, err := r.lock(ctx, tx) // with the wishes of f
		if err != nil {
			return err
		}
		if was, err := r.q.engine.end(ctx, tx, r.row.ID); err != nil {
			return err
		} else if !was {
			return ErrLost
		}
		return r.settle(ctx, tx, wanted, next, o)
	})
	if err != nil {
		return fmt.Errorf("end run of %s %q: %w", r.Kind, r.Key, err)
	}
	r.ended = true
	return nil
}

// lock locks the task until the transaction ends.
func (r *Run) lock(ctx context.Context, tx *Tx) (wanted, next int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT wanted, next FROM tasks WHERE kind = $1 AND key = $2"+r.q.forUpdate(), r.Kind, r.Key).Scan(&wanted, &next)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrLost // nothing deletes it while it is wanted
	}
	return wanted, next, err
}

// mine reports whether this is still the attempt that runs.
func (r *Run) mine(ctx context.Context, tx *Tx) error {
	row, err := r.q.engine.get(ctx, tx, r.row.ID)
	switch {
	case errors.Is(err, rivertype.ErrNotFound):
		return ErrLost
	case err != nil:
		return err
	case row.State != rivertype.JobStateRunning || row.Attempt != r.row.Attempt || owner(row) != owner(r.row):
		return ErrLost
	}
	return nil
}

// settle writes down what the end of the run means for the task, whose row is
// locked and whose job has ended in the same transaction.
func (r *Run) settle(ctx context.Context, tx *Tx, wanted, next int64, o outcome) error {
	now := r.q.now()
	at, done, attempts, failed, text := time.UnixMicro(next), r.Generation, 0, int64(0), ""
	more := wanted > r.Generation
	switch {
	case o.failed != nil && wanted > r.base:
		// Someone wanted it since the first attempt. That wish gets a series of
		// attempts of its own, but does not end the waiting.
		more, done, at, text = true, r.done, now.Add(o.delay), textOf(o.failed)
	case o.failed != nil:
		more, done, attempts, failed, text = false, r.done, r.Attempt, micros(now), textOf(o.failed)
	case o.again && !more:
		more, at = true, now.Add(o.after)
		wanted++
	}
	if at.Before(now) {
		at = now
	}
	_, err := tx.ExecContext(ctx, `UPDATE tasks SET wanted = $1, done = $2, due = $3, next = 0, attempts = $4, failed = $5, error = $6, changed = $7
		WHERE kind = $8 AND key = $9`, wanted, done, micros(at), attempts, failed, text, micros(now), r.Kind, r.Key)
	if err != nil || !more {
		return err
	}
	_, err = r.q.engine.insert(ctx, tx, []args{{kind: r.Kind, Key: r.Key, Wanted: wanted}}, []time.Time{r.q.scheduled(at, now)})
	return err
}

// load is the task of a job of River, as it is now; nil if nothing is wanted.
func (q *Queue) load(ctx context.Context, job *river.Job[args]) (*Run, error) {
	r := &Run{Task: Task{Kind: job.JobRow.Kind, Key: job.Args.Key}, q: q, row: job.JobRow, base: job.Args.Wanted}
	var payload string
	var due, died int64
	err := q.db.Read.QueryRowContext(ctx, "SELECT payload, wanted, done, due, attempts FROM tasks WHERE kind = $1 AND key = $2", r.Kind, r.Key).
		Scan(&payload, &r.Generation, &r.done, &due, &died)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("run %s %q: %w", r.Kind, r.Key, err)
	}
	if payload != "" {
		r.Payload = json.RawMessage(payload)
	}
	r.Due, r.Attempt = time.UnixMicro(due).UTC(), int(died)+job.Attempt
	return r, nil
}

// owner is the replica that took the latest attempt.
func owner(row *rivertype.JobRow) string {
	if n := len(row.AttemptedBy); n > 0 {
		return row.AttemptedBy[n-1]
	}
	return ""
}
