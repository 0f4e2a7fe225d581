package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Tasks begin by the clock of whoever fetches them: this process's on SQLite, the
// server's on PostgreSQL. When that is put back, what was due would wait as long
// again; so would what a replica wants whose own clock is ahead, if it did not go by
// the server's.

// now is the time by the clock that tasks go by.
func (q *Queue) now() time.Time { return time.Now().Add(time.Duration(q.skew.Load())) }

// agree is how far apart two clocks may be and be taken for the same: an answer of
// the server takes its time.
const agree = 2 * time.Second

// compare remembers how far our clock is off, and reports whether that is another
// distance than it was.
func (q *Queue) compare(wall time.Time) (changed bool) {
	off := time.Until(wall)
	if off.Abs() < agree {
		off = 0
	}
	return (off - time.Duration(q.skew.Swap(int64(off)))).Abs() > agree
}

// steps notices that a wall clock is put back.
type steps struct {
	wall   time.Time
	passed time.Duration
}

// tolerance of clocks that are slewed, and of answers that take their time.
const tolerance = time.Second

// back reports whether wall was put back since the last look. passed is the time
// since any fixed moment, by a clock that nobody sets. The first look is as after a
// step: nobody knows what happened before.
func (s *steps) back(wall time.Time, passed time.Duration) bool {
	first, ahead := s.wall.IsZero(), wall.Sub(s.wall)-(passed-s.passed)
	s.wall, s.passed = wall, passed
	return first || ahead < -tolerance
}

// ahead is how far beyond now a time is that no clock of today has written. River
// makes available what is due within 5 s.
const ahead = 10 * time.Second

// rewind lets tasks begin that were wanted, or begun last, later than now.
func (k *keeper) rewind(ctx context.Context) (err error) {
	wall, err := k.q.wall(ctx)
	if err != nil {
		return fmt.Errorf("look at the clock: %w", err)
	}
	// Ours may have been ahead when we wanted something.
	if changed := k.q.compare(wall); !k.steps.back(wall, time.Since(k.began)) && !changed {
		return nil
	}
	defer func() {
		if err != nil {
			k.steps = steps{} // look again
		}
	}()
	waiting, err := k.q.engine.waiting(ctx)
	if err != nil {
		return fmt.Errorf("list what waits: %w", err)
	}
	n := 0
	for _, job := range waiting {
		written := job.CreatedAt
		if job.AttemptedAt != nil {
			written = *job.AttemptedAt
		}
		if !written.After(wall.Add(ahead)) || !job.ScheduledAt.After(wall) {
			continue
		}
		if err := k.q.begin(ctx, job); err != nil {
			return fmt.Errorf("begin job %d: %w", job.ID, err)
		}
		n++
	}
	if n > 0 {
		k.q.log.WarnContext(ctx, "the clock was put back: tasks that waited for it begin", slog.Int("tasks", n))
	}
	return nil
}

// begin lets a job that waits begin now.
func (q *Queue) begin(ctx context.Context, job *rivertype.JobRow) error {
	a, err := taskOf(job)
	if err != nil {
		return err
	}
	return q.Tx(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE tasks SET due = $1 WHERE kind = $2 AND key = $3 AND wanted > done", micros(q.now()), a.kind, a.Key); err != nil {
			return err
		}
		now, err := q.engine.get(ctx, tx, job.ID)
		if errors.Is(err, rivertype.ErrNotFound) || err == nil && !waits(now.State) {
			return nil // it began, or ended
		} else if err != nil {
			return err
		}
		return q.engine.now(ctx, tx, job.ID)
	})
}

func waits(s rivertype.JobState) bool {
	return s == rivertype.JobStateAvailable || s == rivertype.JobStateScheduled || s == rivertype.JobStateRetryable
}

// wall is the time by the clock by which tasks begin.
func (q *Queue) wall(ctx context.Context) (time.Time, error) {
	if q.db.Pool == nil {
		return time.Now().Round(0), nil
	}
	var at time.Time
	err := q.db.Read.QueryRowContext(ctx, "SELECT now()").Scan(&at)
	return at, err
}

func (c *client[T]) waiting(ctx context.Context) ([]*rivertype.JobRow, error) {
	// One page, as of those that run.
	list, err := c.JobList(ctx, river.NewJobListParams().First(10_000).
		States(rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable))
	if err != nil {
		return nil, err
	}
	return list.Jobs, nil
}
