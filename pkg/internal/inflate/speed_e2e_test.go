//go:build e2e && linux

package inflate

import (
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// wantTimes is how many times as fast as klauspost/compress every stream of the
// corpus must be expanded.
const wantTimes = 1.8

const (
	// Of so many rounds the best of each side counts: what else the machine does
	// only ever adds time, and more so to the side that keeps the processor busier.
	speedRounds = 25
	// oursPerRound makes both sides' runs about as long, so that neither is the
	// likelier to be left alone.
	oursPerRound = 2
)

// threadTime is the processor time that this thread has used.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	const rusageThread = 1 // RUSAGE_THREAD of getrusage(2)
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSpeed compares with klauspost/compress, round by round in turn.
func TestSpeed(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := contestants()
	ours, theirs := all["inflate"], all["klauspost"]
	measure := func(c contestant, s sample, runs int) time.Duration {
		before := threadTime(t)
		for range runs {
			c.run(t, s)
		}
		return (threadTime(t) - before) / time.Duration(runs)
	}
	for _, s := range corpus(t) {
		var a, b []time.Duration
		for round := range speedRounds {
			if round%2 == 0 {
				a = append(a, measure(ours, s, oursPerRound))
				b = append(b, measure(theirs, s, 1))
			} else {
				b = append(b, measure(theirs, s, 1))
				a = append(a, measure(ours, s, oursPerRound))
			}
		}
		best := slices.Min(b).Seconds() / slices.Min(a).Seconds()
		mega := float64(s.size) / 1e6
		t.Logf("%-20s %4.0f MB/s, klauspost %4.0f, %.2f times; round by round %.2f (median)", s.name,
			mega/slices.Min(a).Seconds(), mega/slices.Min(b).Seconds(), best, median(a, b))
		if best < wantTimes {
			t.Errorf("%s: %.2f times as fast as klauspost, want %.1f", s.name, best, wantTimes)
		}
	}
}

// median is that of what b took of a in the same round.
func median(a, b []time.Duration) float64 {
	times := make([]float64, len(a))
	for i := range a {
		times[i] = b[i].Seconds() / a[i].Seconds()
	}
	slices.Sort(times)
	return times[len(times)/2]
}
