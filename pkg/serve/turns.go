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
// task each, and rest.
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
				time.AfterFunc(t.rest(time.Since(start)), func() { <-t.slots })
			}, nil
		case <-look.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return func() {}, nil
}

// longest is how long a rest may be: judging never stops.
const longest = time.Second

// rest is for as long as the task took where deliveries have just become many, and
// for longer the more they are: what the processors have to spare shrinks faster than
// they grow.
func (t *turns) rest(took time.Duration) time.Duration {
	by := max(1, float64(t.rate())/float64(t.most))
	return time.Duration(min(float64(longest), float64(took)*by*by))
}
