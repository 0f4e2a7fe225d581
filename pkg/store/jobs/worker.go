package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

// worker is what River calls for a kind.
type worker struct {
	river.WorkerDefaults[args]
	q       *Queue
	kind    Kind
	handler Handler
}

// grace is the time to write down how a run ended, after its own time is over.
const grace = 10 * time.Second

// Timeout is none for River: it would take longer runs for stuck ones.
func (w *worker) Timeout(*river.Job[args]) time.Duration { return -1 }

// NextRetry is after the backoff, half of it by chance.
func (w *worker) NextRetry(job *river.Job[args]) time.Time {
	return w.q.now().Add(w.kind.backoff(job.Attempt))
}

func (k Kind) backoff(attempt int) time.Duration {
	d := k.Backoff
	for i := 1; i < attempt && d < k.MaxBackoff; i++ {
		d *= 2
	}
	d = min(d, k.MaxBackoff)
	return d/2 + rand.N(d/2+1)
}

// Work does one run. River keeps its error, in one statement with those of others.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	if err := w.work(ctx, job); err != nil {
		return &readable{err}
	}
	return nil
}

// A readable is an error whose text PostgreSQL takes: errors repeat what others
// said, and that may have bytes that are no UTF-8, and NUL.
type readable struct{ error }

func (e *readable) Error() string { return textOf(e.error) }
func (e *readable) Unwrap() error { return e.error }

func textOf(err error) string {
	return strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\ufffd"), "\x00", "\ufffd")
}

func (w *worker) work(ctx context.Context, job *river.Job[args]) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !w.q.enter(job.ID, cancel) {
		return context.Cause(ctx)
	}
	defer w.q.leave(job.ID)
	if w.kind.Turn != nil {
		done, err := w.kind.Turn(ctx)
		if err != nil {
			return errors.Join(err, context.Cause(outer)) // for River, which counts no attempt then
		}
		defer done()
	}

	r, err := w.q.load(ctx, job)
	if err != nil {
		return err // the store is away; River tries again
	}
	if r == nil {
		return nil // nothing is wanted
	}
	if err := w.begun(ctx, r); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, w.kind.Timeout)
	defer stop()
	err = call(ctx, w.handler, r)
	if r.ended {
		if err != nil {
			w.q.log.WarnContext(ctx, "a task failed after it was done", slog.String("kind", r.Kind), slog.String("key", r.Key), slog.Any("error", err))
		}
		return nil
	}
	// The end is written down even if there is no time left for the run.
	late, done := context.WithTimeout(context.WithoutCancel(outer), grace)
	defer done()
	var again *snooze
	switch {
	case err == nil:
		return w.told(r, r.end(late, nil, outcome{}))
	case errors.As(err, &again):
		return w.told(r, r.end(late, nil, outcome{again: true, after: again.d}))
	case outer.Err() != nil:
		// Shutdown: no attempt is counted (River looks for the cause).
		return errors.Join(err, context.Cause(outer))
	case errors.Is(err, ErrLost) || errors.Is(context.Cause(ctx), ErrLost):
		return w.told(r, ErrLost)
	}
	log := w.q.log.With(slog.String("kind", r.Kind), slog.String("key", r.Key), slog.Int("attempt", r.Attempt), slog.Any("error", err))
	if r.Attempt >= w.kind.Attempts {
		log.ErrorContext(ctx, "a task is given up")
		return w.told(r, r.end(late, nil, outcome{failed: err, delay: w.kind.backoff(r.Attempt)}))
	}
	log.WarnContext(ctx, "a task failed and is tried again")
	w.q.note(late, r, err)
	return err
}

// begun writes down that the run does more than to wait for its turn, for whoever
// takes it over if this process dies.
func (w *worker) begun(ctx context.Context, r *Run) error {
	if w.kind.Turn == nil {
		return nil // it began when River handed it out
	}
	if _, err := w.q.db.Write.ExecContext(ctx, "UPDATE tasks SET begun = $1 WHERE kind = $2 AND key = $3", r.row.ID, r.Kind, r.Key); err != nil {
		return fmt.Errorf("begin %s %q: %w", r.Kind, r.Key, err)
	}
	return nil
}

// told passes on an error of writing down the end.
func (w *worker) told(r *Run, err error) error {
	if err != nil {
		w.q.log.Error("the end of a task is not written down", slog.String("kind", r.Kind), slog.String("key", r.Key), slog.Any("error", err))
	}
	return err
}

// note keeps the error of an attempt where [Queue.Lag] and people find it. It is
// no loss if that fails.
func (q *Queue) note(ctx context.Context, r *Run, failure error) {
	_, err := q.db.Write.ExecContext(ctx, "UPDATE tasks SET error = $1, begun = 0 WHERE kind = $2 AND key = $3", textOf(failure), r.Kind, r.Key)
	if err != nil {
		q.log.WarnContext(ctx, "the error of a task is not recorded", slog.String("kind", r.Kind), slog.String("key", r.Key), slog.Any("error", err))
	}
}

// call makes an error of a panic.
func call(ctx context.Context, h Handler, r *Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, r)
}

// enter registers a run of this process, so that it can be taken from it.
func (q *Queue) enter(id int64, cancel context.CancelCauseFunc) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, runs := q.active[id]; runs {
		cancel(ErrLost)
		return false
	}
	q.active[id] = cancel
	return true
}

func (q *Queue) leave(id int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.active, id)
}
