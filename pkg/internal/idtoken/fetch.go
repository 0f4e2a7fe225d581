package idtoken

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

var errPaused = errors.New("asked too recently")

// fetches bounds how often each document of an issuer is asked for, and its
// size. Keys that were had stay in the verifier.
type fetches struct {
	base http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	last   map[string]time.Time
	failed int
}

// RoundTrip asks unless it did so just now.
func (f *fetches) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.may(r.URL.String()) {
		f.fail()
		return nil, errPaused
	}
	resp, err := f.base.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		f.fail()
		return resp, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxDocument), resp.Body}
	return resp, nil
}

func (f *fetches) may(url string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if last, ok := f.last[url]; ok && now.Sub(last) < fetchPause && !now.Before(last) {
		return false
	}
	if f.last == nil {
		f.last = map[string]time.Time{}
	}
	f.last[url] = now
	return true
}

func (f *fetches) fail() { f.mu.Lock(); defer f.mu.Unlock(); f.failed++ }

func (f *fetches) failures() int { f.mu.Lock(); defer f.mu.Unlock(); return f.failed }
