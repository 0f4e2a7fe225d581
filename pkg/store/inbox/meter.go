package inbox

import (
	"sync"
	"time"
)

// A meter counts what comes in a second.
type meter struct {
	mu      sync.Mutex
	from    time.Time
	n, last int // since from, and in the second before it
}

func (m *meter) add(n int, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	m.n += n
}

// rate is that of the last whole second, or of this one if it has more already.
func (m *meter) rate(now time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	return max(m.last, m.n)
}

func (m *meter) roll(now time.Time) {
	switch d := now.Sub(m.from); {
	case d < 0: // the clock was set back
		m.from, m.n, m.last = now, 0, 0
	case d < time.Second:
	case d < 2*time.Second:
		m.from, m.n, m.last = m.from.Add(time.Second), 0, m.n
	default:
		m.from, m.n, m.last = now, 0, 0
	}
}

// Rate is how many deliveries this process took in the last second.
func (b *Inbox) Rate() int { return b.meter.rate(time.Now()) }
