//go:build e2e && long

package containerd

import (
	"testing"
	"time"
)

// A hundred thousand containers take ten times as long as ten thousand, and no
// more of each is kept.
func TestHundredThousandContainers(t *testing.T) {
	took, kept := map[int]time.Duration{}, map[int]int64{}
	const few, more = 10_000, 100_000
	for _, n := range []int{few, more} {
		begin := time.Now()
		kept[n] = lookAt(t, n)
		took[n] = time.Since(begin)
		t.Logf("%d containers: %s, %d bytes kept", n, took[n], kept[n])
	}
	if each := (kept[more] - kept[few]) / (more - few); each > 300 {
		t.Errorf("%d bytes are kept of each container", each)
	}
	// Twice what is linear leaves room for a busy machine; a square is ten times.
	if took[more] > 20*took[few] {
		t.Errorf("%d containers took %s, %d %s", more, took[more], few, took[few])
	}
}
