package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
)

// tickKind are River's jobs that look whether a periodic task is due.
const tickKind = "tick"

type tick struct{ every, spread time.Duration }

// look is how often it is looked. River's schedule is kept in memory and begins
// anew with every leader; the table knows when it last was.
func (t tick) look() time.Duration { return min(max(t.every/10, time.Second), time.Minute) }

// Periodic wants the task kind, with the key "periodic", again and again: first
// when the queue starts, then every so often after it was last wanted, whichever
// replica that was, each time up to spread later by chance. It is called before
// [Queue.Start].
func (q *Queue) Periodic(kind string, every, spread time.Duration) error {
	if every < time.Second || spread < 0 || spread > every {
		return fmt.Errorf("periodic %s: every %s, up to %s later: it must be at least a second, and the spread no more than that", kind, every, spread)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch _, known := q.kinds[kind]; {
	case !known:
		return fmt.Errorf("periodic %q: it has no handler", kind)
	case q.started:
		return fmt.Errorf("periodic %s: the queue runs already", kind)
	case q.ticks[kind] != tick{}:
		return fmt.Errorf("periodic %s: it is already", kind)
	}
	q.ticks[kind] = tick{every, spread}
	return nil
}

// PeriodicKey is the key of periodic tasks.
const PeriodicKey = "periodic"

type ticker struct {
	river.WorkerDefaults[args]
	q *Queue
}

// Work wants the task if it is due. A clock that was put back makes it due, too.
func (t *ticker) Work(ctx context.Context, job *river.Job[args]) error {
	t.q.mu.Lock()
	of, ok := t.q.ticks[job.Args.Key]
	t.q.mu.Unlock()
	if !ok {
		return nil // of another version of the program
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	return t.q.Tx(ctx, func(tx *Tx) error {
		now := t.q.now()
		res, err := tx.ExecContext(ctx, `INSERT INTO periodic (kind, last) VALUES ($1, $2)
			ON CONFLICT (kind) DO UPDATE SET last = excluded.last WHERE periodic.last <= $3 OR periodic.last > $2`,
			job.Args.Key, micros(now), micros(now.Add(-of.every)))
		if err != nil {
			return fmt.Errorf("periodic %s: %w", job.Args.Key, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return t.q.WantTx(ctx, tx, Task{Kind: job.Args.Key, Key: PeriodicKey, NotBefore: time.Now().Add(rand.N(of.spread + 1))})
	})
}
