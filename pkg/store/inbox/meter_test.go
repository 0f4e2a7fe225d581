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
	}{{950 * time.Millisecond, 30}, {1500 * time.Millisecond, 30}, {2500 * time.Millisecond, 0}, {time.Hour, 0}} {
		if got := m.rate(at(c.after)); got != c.want {
			t.Errorf("after %s: %d, want %d", c.after, got, c.want)
		}
	}
	m.add(5, at(time.Hour))
	if got := m.rate(start); got != 0 { // set back
		t.Errorf("after the clock was set back: %d", got)
	}
	m.add(2, at(500*time.Millisecond))
	if got := m.rate(at(600 * time.Millisecond)); got != 2 {
		t.Errorf("the second that goes on: %d", got)
	}
}
