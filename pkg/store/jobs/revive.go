package jobs

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// revive ends the job of a dead process and puts another one in its place.
func (q *Queue) revive(ctx context.Context, job *rivertype.JobRow) error {
	a, err := taskOf(job)
	if err != nil {
		return err
	}
	limit := Kind{}.withDefaults()
	q.mu.Lock()
	if k, ok := q.kinds[a.kind]; ok {
		limit = k
	}
	q.mu.Unlock()
	return q.Tx(ctx, func(tx *Tx) error {
		r := &Run{Task: Task{Kind: a.kind, Key: a.Key}, q: q, row: job, base: a.Wanted}
		var died int
		var begun int64
		err := tx.QueryRowContext(ctx, "SELECT wanted, done, attempts, begun FROM tasks WHERE kind = $1 AND key = $2"+q.forUpdate(), a.kind, a.Key).
			Scan(&r.Generation, &r.done, &died, &begun)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		none := err != nil // a tick, or nothing is wanted
		if err := r.mine(ctx, tx); errors.Is(err, ErrLost) {
			return nil // someone was faster, or it has ended
		} else if err != nil {
			return err
		}
		if _, err := q.engine.end(ctx, tx, job.ID); err != nil || none {
			return err
		}
		r.Attempt = died + job.Attempt
		if limit.Turn != nil && begun != job.ID {
			return q.again(ctx, tx, a, r.Attempt-1, time.Time{}) // it was not tried
		}
		q.log.WarnContext(ctx, "a task is taken over from a process that died", slog.String("kind", a.kind), slog.String("key", a.Key),
			slog.String("process", owner(job)), slog.Int("attempt", r.Attempt))
		if r.Attempt >= limit.Attempts {
			return r.settle(ctx, tx, r.Generation, 0, outcome{failed: errDied, delay: limit.backoff(r.Attempt)})
		}
		begin := time.Time{}
		if r.Attempt > 1 {
			// It may be the task that kills them.
			begin = q.now().Add(limit.backoff(r.Attempt - 1))
		}
		if _, err := tx.ExecContext(ctx, "UPDATE tasks SET error = $1 WHERE kind = $2 AND key = $3", errDied.Error(), a.kind, a.Key); err != nil {
			return err
		}
		return q.again(ctx, tx, a, r.Attempt, begin)
	})
}

// again puts a job in the place of one that has ended, for a task that was tried so
// often.
func (q *Queue) again(ctx context.Context, tx *Tx, a args, tried int, begin time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE tasks SET attempts = $1, next = 0 WHERE kind = $2 AND key = $3", tried, a.kind, a.Key); err != nil {
		return err
	}
	_, err := q.engine.insert(ctx, tx, []args{a}, []time.Time{begin})
	return err
}

var errDied = errors.New("the process died while it ran")
