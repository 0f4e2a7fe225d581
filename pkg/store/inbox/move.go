package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/intact-dev/intact/pkg/store/jobs"
)

// translate says what tasks a delivery asks for, or why it cannot be said.
type translate func(Delivery) ([]jobs.Task, error)

const (
	pollEvery  = time.Second // for what other replicas took
	pruneEvery = time.Minute
	// gather is how long deliveries come together after others were handed on: each
	// commit of the store waits for the disk that an acknowledgement waits for, too.
	gather  = 50 * time.Millisecond
	patient = 10 * time.Second // the longest pause after an error
)

// Move hands deliveries on until ctx ends: it wants the tasks that f names for
// them in q, and remembers in the same transaction that it did. Those that arrived
// together are handed on together. A delivery of which f returns an error, or at
// which it panics, is refused: kept, counted, logged, never tried again. f must do
// nothing but look at the delivery. Errors of the store are logged, and tried
// again.
func (b *Inbox) Move(ctx context.Context, q *jobs.Queue, f func(Delivery) ([]jobs.Task, error)) {
	safe := func(d Delivery) (tasks []jobs.Task, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
			if err != nil {
				tasks = nil
				b.log.ErrorContext(ctx, "a delivery is refused", slog.String("endpoint", d.Endpoint), slog.String("key", d.Key), slog.Any("error", err))
			}
		}()
		if tasks, err = f(d); err == nil {
			err = jobs.Check(tasks...)
		}
		return tasks, err
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	pruned, pause := time.Now(), time.Duration(0)
	for ctx.Err() == nil {
		moved, err := b.drain(ctx, q, safe)
		if err == nil && (b.unsure.Swap(false) || b.shared) {
			err = b.count(ctx)
		}
		if err == nil && time.Since(pruned) > pruneEvery {
			pruned = time.Now()
			err = b.prune(ctx)
		}
		if err != nil && ctx.Err() == nil {
			pause = min(patient, max(100*time.Millisecond, 2*pause))
			b.log.ErrorContext(ctx, "deliveries are not handed on, and wait", slog.Any("error", err), slog.Duration("pause", pause))
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		if pause = 0; moved {
			select {
			case <-ctx.Done():
			case <-time.After(gather):
			}
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-poll.C:
		}
	}
}

// drain hands on all there is, and reports whether there was anything.
func (b *Inbox) drain(ctx context.Context, q *jobs.Queue, f translate) (moved bool, err error) {
	for {
		n, err := b.b.move(ctx, q, f)
		b.waiting.Add(-int64(n))
		if err != nil {
			return moved, fmt.Errorf("hand on deliveries: %w", err)
		}
		if moved = moved || n > 0; n < batch {
			return moved, nil
		}
	}
}

func (b *Inbox) prune(ctx context.Context) error {
	for {
		more, err := b.b.prune(ctx, time.Now().Add(-b.o.Keep))
		if err != nil {
			return fmt.Errorf("prune inbox: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// pruneBatch rows are deleted at a time, so that a delivery need not wait long.
const pruneBatch = 1000

// errMoved is that someone else moved deliveries meanwhile.
var errMoved = errors.New("another process hands on deliveries of the same file")
