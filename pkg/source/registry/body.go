package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

var errSlow = fmt.Errorf("the body comes slower than the minimum of %d bytes per second", limits.MinimumRate)

// A meter reads a body and stops a request whose body comes too slowly. Only time
// spent in Read counts: a slow consumer is not the server's fault.
type meter struct {
	r      io.Reader
	window time.Duration
	stop   func(error) // ends the request, so that a blocked Read returns
	now    func() time.Time

	mu    sync.Mutex
	timer *time.Timer
	busy  bool          // a Read is running
	start time.Time     // of the running Read, or of the window if later
	due   time.Time     // when the window ends
	spent time.Duration // in finished Reads of this window
	got   int64         // bytes in this window
}

func newMeter(r io.Reader, window time.Duration, now func() time.Time, stop func(error)) *meter {
	return &meter{r: r, window: window, stop: stop, now: now}
}

// Read reads, and fails with errSlow at the end of a window with too few bytes.
func (m *meter) Read(p []byte) (int, error) {
	m.begin()
	n, err := m.r.Read(p)
	if slow := m.end(n); slow && err == nil {
		m.stop(errSlow)
		err = errSlow
	}
	return n, err
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start = m.now()
	left := max(m.window-m.spent, time.Millisecond)
	m.busy, m.due = true, m.start.Add(left)
	if m.timer == nil {
		m.timer = time.AfterFunc(left, m.expire)
	} else {
		m.timer.Reset(left)
	}
}

func (m *meter) end(n int) (slow bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer.Stop()
	m.busy = false
	m.got += int64(n)
	m.spent += m.now().Sub(m.start)
	if m.spent < m.window {
		return false
	}
	slow = !m.enough()
	m.spent, m.got = 0, 0
	return slow
}

// expire runs when a window ends during a Read, or just after it: a timer that
// has fired cannot be stopped.
func (m *meter) expire() {
	m.mu.Lock()
	now := m.now()
	if !m.busy || now.Before(m.due) {
		m.mu.Unlock()
		return
	}
	slow := !m.enough()
	m.start, m.due, m.spent, m.got = now, now.Add(m.window), 0, 0
	if !slow {
		m.timer.Reset(m.window)
	}
	m.mu.Unlock()
	if slow {
		m.stop(errSlow)
	}
}

func (m *meter) enough() bool {
	return float64(m.got) >= limits.MinimumRate*m.window.Seconds()
}

// close ends the meter. It must not be called during a Read.
func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer != nil {
		m.timer.Stop()
	}
}

// readAll reads body whole, with the minimum rate, up to limit.
func (e *endpoint) readAll(ctx context.Context, stop context.CancelCauseFunc, body io.Reader, limit int64, what string) ([]byte, error) {
	m := newMeter(body, e.s.o.window, e.s.o.now, stop)
	defer m.close()
	b, err := io.ReadAll(io.LimitReader(m, limit+1))
	switch {
	case err != nil:
		return nil, readError(ctx, err)
	case int64(len(b)) > limit:
		return nil, &limits.ExceededError{What: what, Limit: limit}
	}
	return b, nil
}

// readError tells a body that came too slowly and one that was cut from the end
// of the caller's patience.
func readError(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return errSlow
	case ctx.Err() != nil, errors.Is(err, errSlow):
		return err
	}
	return fmt.Errorf("%w in the middle of the body: %w", errCut, err)
}

// A stream is the body of a blob.
type stream struct {
	ctx    context.Context // of the request
	stop   context.CancelCauseFunc
	cancel context.CancelFunc
	body   io.ReadCloser
	meter  *meter
	fail   func(error) error
}

// Read reads. Its errors, io.EOF apart, are [*image.Error]s.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.meter.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.fail(readError(s.ctx, err))
	}
	return n, err
}

// Close ends the request whether or not the body was read to its end.
func (s *stream) Close() error {
	s.meter.close()
	s.stop(context.Canceled)
	s.cancel()
	return s.body.Close()
}
