package serve

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTasksTakeTurnsWhileDeliveriesComeThick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rate, at, most atomic.Int64
		turns := newTurns(func() int { return int(rate.Load()) })
		turns.slots = make(chan struct{}, 1)
		h := func(ctx context.Context) error {
			done, err := turns.take(ctx)
			if err != nil {
				return err
			}
			defer done()
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			time.Sleep(100 * time.Millisecond)
			return nil
		}
		four := func() time.Duration {
			start, done := time.Now(), make(chan error)
			for range 4 {
				go func() { done <- h(t.Context()) }()
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			return time.Since(start)
		}
		if took := four(); took != 100*time.Millisecond || most.Load() != 4 {
			t.Errorf("calm: %s, %d at once", took, most.Load())
		}
		rate.Store(1 << 20)
		most.Store(0)
		// Each but the last rests as long as it took.
		if took := four(); took != 700*time.Millisecond || most.Load() != 1 {
			t.Errorf("thick: %s, %d at once", took, most.Load())
		}
		// Whoever waits when the flood is over goes on.
		most.Store(0)
		time.AfterFunc(50*time.Millisecond, func() { rate.Store(0) })
		if took := four(); took != 200*time.Millisecond || most.Load() < 3 {
			t.Errorf("thick, then calm: %s, %d at once", took, most.Load())
		}
		rate.Store(1 << 20)
		time.Sleep(time.Second)
		go func() { _ = h(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := h(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a turn: %v", err)
		}
		time.Sleep(time.Second) // until the other one has ended
	})
}
