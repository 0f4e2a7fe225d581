package kubernetes

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// A clockwork holds timers that fire when a test says so.
type clockwork struct {
	mu    sync.Mutex
	all   map[*handTimer]bool
	armed chan struct{} // one was started
}

func newClockwork() *clockwork {
	return &clockwork{all: map[*handTimer]bool{}, armed: make(chan struct{}, 1)}
}

// runOut lets time run out for whoever waits, until ctx ends.
func (c *clockwork) runOut(ctx context.Context) {
	for {
		c.fire()
		select {
		case <-c.armed:
		case <-ctx.Done():
			return
		}
	}
}

type handTimer struct {
	c *clockwork
	f func()
}

func (c *clockwork) timer(_ time.Duration, f func()) timer {
	h := &handTimer{c, f}
	h.Reset(0)
	return h
}

func (h *handTimer) Reset(time.Duration) bool { return h.set(true) }
func (h *handTimer) Stop() bool               { return h.set(false) }

func (h *handTimer) set(armed bool) bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	was := h.c.all[h]
	h.c.all[h] = armed
	if armed {
		select {
		case h.c.armed <- struct{}{}:
		default:
		}
	}
	return was
}

// fire lets the time of all that wait run out.
func (c *clockwork) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, armed := range c.all {
		if armed {
			go h.f()
		}
		delete(c.all, h)
	}
}

// A page that does not come is a gap, and the run goes on without it.
func TestHang(t *testing.T) {
	t.Parallel()
	for name, half := range map[string]bool{"before_it_answers": false, "in_its_answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := shop(t, 35)
			clock := newClockwork()
			read := make(chan struct{}) // the page before was read, so that nothing else waits
			f.intercept = func(w http.ResponseWriter, r *http.Request, c call) bool {
				if !isPage(c) || c.token != "10" {
					return false
				}
				<-read
				if half {
					b := f.encode(r, pods, metav1.ListMeta{}, f.objects[pods][10:20])
					_, _ = w.Write(b[:len(b)/2])
					w.(http.Flusher).Flush()
				}
				clock.runOut(r.Context()) // until the client gives up
				return true
			}
			n := 0
			inv, err := f.open(Options{PageSize: 10, timer: clock.timer, Timeout: 30 * time.Second}).Observe(t.Context(), func(observe.Container) {
				if n++; n == 10 {
					close(read)
				}
			})
			if err != nil || n < 10 || n >= 20 {
				t.Errorf("%d containers, error %v", n, err)
			}
			wantGaps(t, inv, "pods: deadline")
			if !strings.Contains(inv.Gaps[0].Why, "(30s)") {
				t.Errorf("why %q does not say how long was waited", inv.Gaps[0].Why)
			}
		})
	}
}

// A server that does not answer at all is an error at once.
func TestHangFromTheBeginning(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	clock := newClockwork()
	f.intercept = func(_ http.ResponseWriter, r *http.Request, c call) bool {
		clock.runOut(r.Context())
		return true
	}
	_, _, err := seeAll(t, f, Options{timer: clock.timer})
	if image.CauseOf(err) != fact.Deadline {
		t.Errorf("error %v with cause %q", err, image.CauseOf(err))
	}
}

// A body that trickles hangs: it would never end.
func TestTrickle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		each     int           // bytes per read
		wait     time.Duration // per read
		consumer time.Duration // between reads
		ok       bool
	}{
		{"fast", 64 << 10, time.Second, 0, true},
		{"trickle", 16, time.Second, 0, false},
		{"slow_consumer", 16, time.Millisecond, time.Hour, true},
		{"slow_but_it_gets_there", 32 << 10, 2 * time.Second, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := noon
			ctx, cancel := context.WithCancelCause(t.Context())
			src := readerFunc(func(p []byte) (int, error) {
				now = now.Add(tt.wait)
				return min(len(p), tt.each), nil
			})
			b := &body{raw: io.NopCloser(src), ctx: ctx, cancel: cancel, timer: newClockwork().timer(0, nil), patience: 30 * time.Second, now: func() time.Time { return now }}
			defer b.close()
			var err error
			buf := make([]byte, 64<<10)
			for range 200 {
				if _, err = b.Read(buf); err != nil {
					break
				}
				now = now.Add(tt.consumer)
			}
			if errors.Is(err, errHang) == tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A credential plugin that hangs does not hold the run.
func TestRoundTripThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	o := f.open(Options{})
	stuck, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	o.c.http.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) {
		close(stuck)
		<-release
		return nil, errors.New("too late")
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-stuck
		cancel()
	}()
	if _, err := o.Observe(ctx, func(observe.Container) {}); image.CauseOf(err) != fact.Cancelled {
		t.Errorf("error %v with cause %q", err, image.CauseOf(err))
	}
}

// The server's patience is not used up by a plugin that waits for somebody to log
// in.
func TestSlowLogin(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	clock := newClockwork()
	o := f.open(Options{timer: clock.timer})
	next := o.c.http.Transport
	o.c.http.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/version" { // when nothing else is on its way
			clock.fire()
		}
		return next.RoundTrip(r)
	})
	n := 0
	if _, err := o.Observe(t.Context(), func(observe.Container) { n++ }); err != nil || n != 1 {
		t.Errorf("%d containers, %v", n, err)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What was yielded stays when the context ends on the way.
func TestCancelled(t *testing.T) {
	t.Parallel()
	f := shop(t, 35)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	inv, err := f.open(Options{PageSize: 10}).Observe(ctx, func(observe.Container) {
		if n++; n == 15 {
			cancel()
		}
	})
	if image.CauseOf(err) != fact.Cancelled || n != 15 {
		t.Errorf("%d containers, error %v with cause %q", n, err, image.CauseOf(err))
	}
	if inv.Counts[1].N != 15 {
		t.Errorf("counts %+v", inv.Counts)
	}
}
