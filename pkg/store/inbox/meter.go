package inbox

import (
	"sync"
	"time"
)

// A second is counted in parts, so that a flood is noticed as soon as it begins.
const (
	parts = 10
	part  = time.Second / parts
)

// A meter counts what comes in a second.
type meter struct {
	mu   sync.Mutex
	from time.Time // when the newest part began
	n    [parts]int
	at   int // of the newest part in n
}

func (m *meter) add(n int, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	m.n[m.at] += n
}

// rate is that of the last second, or if it is higher that of the last two parts.
func (m *meter) rate(now time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	all := 0
	for _, n := range m.n {
		all += n
	}
	return max(all, max(m.n[m.at], m.n[(m.at+parts-1)%parts])*parts)
}

func (m *meter) roll(now time.Time) {
	passed := now.Sub(m.from) / part
	if passed < 0 || passed >= parts { // the clock was set back, or nothing came for long
		m.from, m.n = now, [parts]int{}
		return
	}
	m.from = m.from.Add(passed * part)
	for ; passed > 0; passed-- {
		m.at = (m.at + 1) % parts
		m.n[m.at] = 0
	}
}

// Rate is how many deliveries a second this process takes now.
func (b *Inbox) Rate() int { return b.meter.rate(time.Now()) }
