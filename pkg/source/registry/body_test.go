package registry

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// drip gives n bytes a read, each after a pause.
type drip struct {
	n     int
	pause time.Duration
	left  int
}

func (d *drip) Read(p []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(d.pause)
	d.left--
	return min(d.n, len(p)), nil
}

// TestMeter: the rate is judged over whole windows of time spent in reading, by a
// clock that is not the wall's.
func TestMeter(t *testing.T) {
	t.Parallel()
	const second = limits.MinimumRate
	tests := []struct {
		name string
		r    *drip
		slow bool
	}{
		{"fast", &drip{n: second, pause: 100 * time.Millisecond, left: 1000}, false},
		{"just enough", &drip{n: second + second/20, pause: time.Second, left: 100}, false},
		{"a little less", &drip{n: second - 200, pause: time.Second, left: 100}, true},
		{"byte by byte", &drip{n: 1, pause: time.Millisecond, left: 100_000}, true},
		{"short and slow", &drip{n: 1, pause: time.Second, left: 20}, false},
		{"bursts within a window", &drip{n: 31 * second, pause: 20 * time.Second, left: 20}, false},
		{"nothing for long", &drip{n: 100 * second, pause: time.Hour, left: 1}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var stopped atomic.Bool
				m := newMeter(tt.r, limits.IdleBody, time.Now, func(error) { stopped.Store(true) })
				defer m.close()
				buf := make([]byte, 1<<20)
				var err error
				for err == nil && !stopped.Load() {
					_, err = m.Read(buf)
				}
				synctest.Wait()
				if slow := stopped.Load() || errors.Is(err, errSlow); slow != tt.slow {
					t.Errorf("slow %v, want %v (%v)", slow, tt.slow, err)
				}
			})
		})
	}
}

// TestMeterSlowConsumer: time between reads is the consumer's own.
func TestMeterSlowConsumer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(iotest.OneByteReader(bytes.NewReader(make([]byte, 100))), limits.IdleBody, time.Now, func(err error) { t.Error(err) })
		defer m.close()
		for range 100 {
			if _, err := m.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
	})
}

func BenchmarkMeter(b *testing.B) {
	block := make([]byte, 32<<10)
	m := newMeter(endless{}, limits.IdleBody, time.Now, func(error) {})
	defer m.close()
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if _, err := m.Read(block); err != nil {
			b.Fatal(err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
