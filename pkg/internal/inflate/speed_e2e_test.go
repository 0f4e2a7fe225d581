//go:build e2e && linux

package inflate

import (
	"syscall"
	"testing"
	"time"
)

// How many times as fast as klauspost/compress the decoder must be: on the whole
// corpus, and on each stream of it. Literals alone, one after another, are what
// it gains least on.
const (
	wantAll  = 1.8
	wantEach = 1.5
)

// cpuTime is what this process has used, so that others on the machine count
// less than they would on a clock.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSpeed compares with klauspost/compress in turn, the best of some rounds
// each.
func TestSpeed(t *testing.T) {
	var all [2]time.Duration
	names := [2]string{"inflate", "klauspost"}
	run := contestants()
	report := func(what string, size int64, times [2]time.Duration, want float64) {
		ratio := times[1].Seconds() / times[0].Seconds()
		mega := float64(size) / 1e6
		t.Logf("%-20s %4.0f MB/s, klauspost %4.0f, %.2f times", what, mega/times[0].Seconds(), mega/times[1].Seconds(), ratio)
		if ratio < want {
			t.Errorf("%s: %.2f times as fast as klauspost, want %.1f", what, ratio, want)
		}
	}
	var size int64
	for _, s := range corpus(t) {
		var best [2]time.Duration
		for range 7 {
			for i, name := range names {
				before := cpuTime(t)
				run[name].run(t, s)
				if d := cpuTime(t) - before; best[i] == 0 || d < best[i] {
					best[i] = d
				}
			}
		}
		report(s.name, s.size, best, wantEach)
		size += s.size
		all[0] += best[0]
		all[1] += best[1]
	}
	report("all", size, all, wantAll)
}
