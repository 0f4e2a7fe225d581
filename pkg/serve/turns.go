package serve

import (
	"context"
	"runtime"
	"time"
)

// thick is how many deliveries a second, for each processor, are so many that
// judging must not have all processors.
const thick = 50

// Turns hold judging back while deliveries come thick and fast: a sender who is
// not answered sends again, while a judgement can wait, and is about the tag as it
// is then, however often it was wanted. Half of the processors, at least one, do a
// task each, and rest as long as it took. Longer rests make acknowledgements little
// quicker, and whoever moves a tag and moves it back is seen less often.
type turns struct {
	rate  func() int // of deliveries a second
	most  int
	slots chan struct{}
}

func newTurns(rate func() int) *turns {
	n := runtime.NumCPU()
	return &turns{rate: rate, most: thick * n, slots: make(chan struct{}, max(1, n/2))}
}

// again is how often a task that waits for its turn looks whether it must.
const again = 100 * time.Millisecond

// take waits for a turn, as long as turns are taken (see [jobs.Kind]).
func (t *turns) take(ctx context.Context) (done func(), err error) {
	look := time.NewTicker(again)
	defer look.Stop()
	for t.rate() >= t.most {
		select {
		case t.slots <- struct{}{}:
			start := time.Now()
			return func() {
				time.AfterFunc(min(time.Since(start), time.Second), func() { <-t.slots })
			}, nil
		case <-look.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return func() {}, nil
}
