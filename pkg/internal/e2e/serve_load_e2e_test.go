//go:build e2e && long && linux

package e2e_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

const (
	loadPerSecond = 500
	mostToWait    = 10 * time.Millisecond
)

// 500 events a second for a minute on SQLite.
func TestServeUnderLoad(t *testing.T) {
	l := newLoaded(t, "sqlite: intact.db")
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	l.figures(t, func() {})
	l.drained(t, time.Minute)
	l.memory(t, r)
	r.end(t)
	l.check(t, filepath.Join(l.dir, "intact.db"), r)
}

// The same with three replicas on PostgreSQL, one of which is killed every ten
// seconds. A sender whom one does not answer asks the next.
func TestServeUnderLoadWithDyingReplicas(t *testing.T) {
	postgres := must(testground.StartPostgres(t.Context(), "fsync=on"))(t)
	t.Cleanup(func() { ok(t, postgres.Close()) })
	url := must(postgres.Database(t.Context()))(t)
	l := newLoaded(t, fmt.Sprintf("postgres: %q", url))
	var all []*replica
	for _, address := range freeAddresses(t, 3) {
		r := l.replica(t, address)
		r.start(t)
		r.await(t)
		all = append(all, r)
	}
	over := make(chan struct{})
	var killing sync.WaitGroup
	kills := 0
	killing.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(10 * time.Second):
			}
			r := all[kills%len(all)]
			kills++
			r.kill(t)
			r.start(t)
			r.await(t)
		}
	})
	l.figures(t, func() { close(over); killing.Wait() })
	l.drained(t, 2*time.Minute)
	l.memory(t, all...)
	for _, r := range all {
		r.end(t)
	}
	t.Logf("%d kills", kills)
	l.check(t, url, all...)
	// The job engine keeps when each of its jobs began and ended.
	twice := must(postgres.Ask(t.Context(), url, `SELECT count(*) FROM river_job a JOIN river_job b ON a.kind = b.kind AND a.args ->> 'key' = b.args ->> 'key' AND a.id < b.id
		WHERE a.kind = 'judge' AND a.attempted_at < b.finalized_at AND b.attempted_at < a.finalized_at`))(t)
	jobs := must(postgres.Ask(t.Context(), url, `SELECT count(*) FROM river_job WHERE kind = 'judge' AND finalized_at IS NOT NULL`))(t)
	if t.Logf("%s jobs", jobs); twice != "0" || jobs == "0" {
		t.Errorf("%s pairs of %s jobs judged a tag at a time", twice, jobs)
	}
}

// figures offers the load, then calls end, and says how long acknowledgements took,
// beside bare appends to the same disk at the same time.
func (l *loaded) figures(t *testing.T, end func()) {
	t.Helper()
	seconds := number(t, "INTACT_LOAD_SECONDS", 60)
	over := make(chan struct{})
	var bare []time.Duration
	var measuring sync.WaitGroup
	measuring.Go(func() { bare = appends(t, l.dir, over) })
	start := time.Now()
	took := l.load(t, loadPerSecond, seconds*loadPerSecond, nil)
	offered := time.Since(start)
	close(over)
	measuring.Wait()
	end()
	p50, p99, top := quantiles(took)
	b50, b99, btop := quantiles(bare)
	t.Logf("%d deliveries in %s: acknowledged within p50 %s, p99 %s, max %s", len(took), offered.Round(time.Millisecond), p50, p99, top)
	t.Logf("a bare append with fsync: p50 %s, p99 %s, max %s (%d)", b50, b99, btop, len(bare))
	// A disk that is slow today is not what is tested.
	if p99 > max(mostToWait, 3*b99) {
		t.Errorf("p99 is %s, at most %s", p99, mostToWait)
	}
}
