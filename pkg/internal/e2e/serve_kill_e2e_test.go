//go:build e2e && long && linux

package e2e_test

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The service is killed at random moments, while it starts and while it works, and
// senders go on.
func TestServeKilledAtAnyMoment(t *testing.T) {
	kills := number(t, "INTACT_KILLS", 1000)
	l := newLoaded(t, "sqlite: intact.db")
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	over := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { l.load(t, 100, -1, over) })
	for i := range kills {
		if i%4 > 0 { // else while it starts
			r.await(t)
		}
		time.Sleep(rand.N(600 * time.Millisecond))
		r.kill(t)
		r.start(t)
		if t.Failed() {
			break
		}
	}
	r.await(t)
	close(over)
	sending.Wait()
	l.drained(t, 2*time.Minute)
	l.memory(t, r)
	r.end(t)
	t.Logf("%d kills", kills)
	l.check(t, filepath.Join(l.dir, "intact.db"), r)
}
