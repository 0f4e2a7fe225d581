package store

import (
	"context"
	"errors"
	"sync"
)

// A wish is observations that are recorded together, and what became of them.
type wish struct {
	observations []Observation
	out          []Observed
	err          error
	done         chan struct{} // closed once out or err is set
}

// atOnce is how many observations one transaction takes, unless a single wish has
// more.
const atOnce = 1000

// A queue gathers what is wished while a transaction is under way, and hands it
// to the next one together.
type queue struct {
	run func(ctx context.Context, ws []*wish) // sets out or err of each

	ctx     context.Context // ends when the store is closed
	cancel  context.CancelFunc
	mu      sync.Mutex
	waiting []*wish
	busy    bool
	closed  bool
	idle    sync.WaitGroup
}

var errClosed = errors.New("the store is closed")

func (q *queue) start() { q.ctx, q.cancel = context.WithCancel(context.Background()) }

// stop waits for what is under way; what waits still is written too.
func (q *queue) stop() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.idle.Wait()
	q.cancel()
}

// do waits for w, or for the end of ctx.
func (q *queue) do(ctx context.Context, w *wish) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		q.mu.Unlock()
		return err
	}
	q.waiting = append(q.waiting, w)
	if !q.busy {
		q.busy = true
		q.idle.Add(1)
		go q.work()
	}
	q.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work runs transactions until nothing waits.
func (q *queue) work() {
	defer q.idle.Done()
	for {
		q.mu.Lock()
		n, size := 0, 0
		for n < len(q.waiting) && (n == 0 || size+len(q.waiting[n].observations) <= atOnce) {
			size += len(q.waiting[n].observations)
			n++
		}
		ws := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		if n == 0 {
			q.busy, q.waiting = false, nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.run(q.ctx, ws)
		for _, w := range ws {
			close(w.done)
		}
	}
}
