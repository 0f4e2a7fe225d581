package registry

import (
	"fmt"
	"sync"
	"time"
)

// hold is how long a registry that did not answer is left alone.
const hold = 10 * time.Second

// A silence begins when a registry gives no answer to a request, however often it
// is tried, nor to any other meanwhile, and ends with its next answer, whatever that
// is. Until then one request in each hold looks whether it is back, once; the others
// fail at once. Otherwise each image of a registry that is gone would wait for it for
// minutes, and those of all other registries behind them. The zero value is no
// silence. It may be used concurrently.
type silence struct {
	mu       sync.Mutex
	why      error // nil: it answers, as far as anyone knows
	until    time.Time
	answered time.Time // the last time
}

// enter is asked before a request: an error if it must not be made, and else
// whether it may be tried again.
func (s *silence) enter(now time.Time) (again bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		return true, nil
	}
	if now.Before(s.until) {
		return false, fmt.Errorf("%w; it has not answered since, and is asked again every %s", s.why, hold)
	}
	s.until = now.Add(hold)
	return false, nil
}

// on reports whether another request found the registry silent.
func (s *silence) on() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why != nil
}

// begin is told of a request that was first made at since, and given up now.
func (s *silence) begin(since, now time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answered.After(since) {
		s.why, s.until = why, now.Add(hold)
	}
}

func (s *silence) end(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why, s.answered = nil, now
}

// A noAnswerError is a request to the registry itself, not to where it led, that
// nothing came back to.
type noAnswerError struct{ err error }

// Error returns what went wrong.
func (e *noAnswerError) Error() string { return e.err.Error() }

func (e *noAnswerError) Unwrap() error { return e.err }
