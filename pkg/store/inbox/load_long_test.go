//go:build e2e && long

package inbox_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

const kills = 1000

// 500 deliveries a second for ten seconds, with everything else going on.
func TestAcknowledgementUnderLoad(t *testing.T) {
	const n, every, tags, most = 5000, 2 * time.Millisecond, 100, 10 * time.Millisecond
	db := openDB(t, filepath.Join(t.TempDir(), "store.db"))
	b, q := box(t, db, inbox.Options{}), queue(t, db)
	if err := q.Handle("judge", jobs.Kind{}, func(ctx context.Context, r *jobs.Run) error { return r.Commit(ctx, nil) }); err != nil {
		t.Fatal(err)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var move, calls sync.WaitGroup
	move.Go(func() {
		b.Move(ctx, q, func(d inbox.Delivery) ([]jobs.Task, error) {
			return []jobs.Task{{Kind: "judge", Key: string(d.Events)}}, nil
		})
	})
	var bare []time.Duration
	move.Go(func() { bare = appends(ctx, t) })

	took := make([]time.Duration, n)
	start, tick := time.Now(), time.NewTicker(every)
	for i := range n {
		<-tick.C
		calls.Go(func() {
			at := time.Now()
			if fresh, err := b.Accept(ctx, inbox.Delivery{Endpoint: "hub", Key: fmt.Sprint(i), Events: fmt.Appendf(nil, "%d", i%tags)}); !fresh || err != nil {
				t.Errorf("delivery %d: %v, %v", i, fresh, err)
			}
			took[i] = time.Since(at)
		})
	}
	calls.Wait()
	offered := time.Since(start)
	if err := drained(ctx, b, q); err != nil {
		t.Fatal(err)
	}
	behind := time.Since(start) - offered
	cancel()
	move.Wait()
	if err := q.Stop(context.WithoutCancel(ctx)); err != nil {
		t.Error(err)
	}
	p50, p99, top := quantiles(took)
	b50, b99, btop := quantiles(bare)
	t.Logf("%d in %s, all done %s later", n, offered, behind)
	t.Logf("acknowledged within p50 %s, p99 %s, max %s", p50, p99, top)
	t.Logf("a bare append with fsync: p50 %s, p99 %s, max %s (%d); ratio p50 %.1f, p99 %.1f", b50, b99, btop, len(bare), float64(p50)/float64(b50), float64(p99)/float64(b99))
	// A disk that is slow today is not what is tested.
	if p99 > max(most, 3*b99) {
		t.Errorf("p99 is %s, at most %s", p99, most)
	}
}

// appends measures what the disk itself takes, beside everything else.
func appends(ctx context.Context, t *testing.T) (took []time.Duration) {
	f, err := os.Create(filepath.Join(t.TempDir(), "bare"))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	line := make([]byte, 4096)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		at := time.Now()
		_, err1 := f.Write(line)
		if err2 := f.Sync(); err1 != nil || err2 != nil {
			t.Error(err1, err2)
		}
		took = append(took, time.Since(at))
		<-tick.C
	}
	return took
}

func quantiles(d []time.Duration) (p50, p99, top time.Duration) {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2], d[len(d)*99/100], d[len(d)-1]
}
