package idtoken

import (
	"errors"
	"fmt"
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

	mu   sync.Mutex
	last map[string]time.Time
}

// RoundTrip asks unless it did so just now.
func (f *fetches) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.may(r.URL.String()) {
		return nil, errPaused
	}
	resp, err := f.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the issuer answers %d", resp.StatusCode)
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
