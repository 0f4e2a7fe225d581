//go:build e2e && long

package containerd

import (
	"runtime"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/observe"
)

// A hundred thousand containers take ten times as long as ten thousand, and no
// more of each is kept.
func TestHundredThousandContainers(t *testing.T) {
	took := map[int]time.Duration{}
	for _, n := range []int{10_000, 100_000} {
		o := start(t, crowd(t, n, true), Options{})
		all := make([]observe.Container, 0, n)
		before, begin := heap(), time.Now()
		inv, err := o.Observe(t.Context(), func(c observe.Container) { all = append(all, c) })
		took[n] = time.Since(begin)
		kept := (heap() - before) / int64(n)
		if err != nil || len(inv.Gaps) > 0 || len(all) != n {
			t.Fatalf("%d containers, error %v, gaps %+v", len(all), err, inv.Gaps)
		}
		t.Logf("%d containers: %s, %d bytes kept of each", n, took[n], kept)
		if kept > 300 {
			t.Errorf("%d bytes are kept of each container", kept)
		}
		runtime.KeepAlive(all)
	}
	// Twice what is linear leaves room for a busy machine; a square is ten times.
	if took[100_000] > 20*took[10_000] {
		t.Errorf("100,000 containers took %s, 10,000 %s", took[100_000], took[10_000])
	}
}
