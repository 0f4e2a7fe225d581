package inbox

import (
	"testing"
	"time"
)

func TestTheRateIsThatOfTheLastSecond(t *testing.T) {
	t.Parallel()
	var m meter
	start := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for i := range 10 {
		m.add(3, at(time.Duration(i)*100*time.Millisecond))
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{950 * time.Millisecond, 30}, {1450 * time.Millisecond, 15}, {2500 * time.Millisecond, 0}, {time.Hour, 0}} {
		if got := m.rate(at(c.after)); got != c.want {
			t.Errorf("after %s: %d, want %d", c.after, got, c.want)
		}
	}
	m.add(5, at(time.Hour))
	if got := m.rate(start); got != 0 { // set back
		t.Errorf("after the clock was set back: %d", got)
	}
	// A flood that has just begun is one already, and a few of a minute ago are none.
	m.add(20, at(50*time.Millisecond))
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{60 * time.Millisecond, 200}, {150 * time.Millisecond, 200}, {250 * time.Millisecond, 20}, {1250 * time.Millisecond, 0}} {
		if got := m.rate(at(c.after)); got != c.want {
			t.Errorf("%s after a flood: %d, want %d", c.after, got, c.want)
		}
	}
}
