package dockerengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/go-connections/sockets"
	"github.com/moby/moby/client"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// connections is how many are kept between requests.
const connections = 8

// A bound is what one request may take.
type bound struct {
	body int64         // bytes of the answer; 0 = whoever reads counts them
	what string        // "description of the container", for the message
	wait time.Duration // until the answer begins; 0 = as long as the context lasts
}

type boundKey struct{}

func withBound(ctx context.Context, b bound) context.Context {
	return context.WithValue(ctx, boundKey{}, b)
}

// newHTTPClient returns a client for ep whose answers are bounded and whose
// errors are *failures. libpod is set once an answer says that it is Podman's.
func newHTTPClient(ep Endpoint, wait time.Duration, libpod *atomic.Bool) (*http.Client, error) {
	u, err := client.ParseHostURL(ep.Host)
	if err != nil {
		return nil, err
	}
	tr := &http.Transport{TLSClientConfig: ep.tls, MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: 30 * time.Second}
	if err := sockets.ConfigureTransport(tr, u.Scheme, u.Host); err != nil {
		return nil, err
	}
	return &http.Client{Transport: guard{tr, bound{body: documentBytes, what: "answer", wait: wait}, libpod}, CheckRedirect: client.CheckRedirect}, nil
}

// A guard stands in front of every request.
type guard struct {
	next     http.RoundTripper
	standard bound
	libpod   *atomic.Bool
}

// RoundTrip implements [http.RoundTripper]. Only answers of the kind 2xx are no
// errors.
func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	b, ok := req.Context().Value(boundKey{}).(bound)
	if !ok {
		b = g.standard
	}
	ctx, stop := context.WithCancelCause(req.Context())
	if b.wait > 0 {
		silence := time.AfterFunc(b.wait, func() { stop(&silenceError{b.wait}) })
		defer silence.Stop()
	}
	resp, err := g.next.RoundTrip(req.WithContext(ctx))
	if err == nil && resp.StatusCode/100 != 2 {
		err = readStatus(resp)
		_ = resp.Body.Close()
	}
	if err != nil {
		err = explain(req.Context(), ctx, err)
		stop(context.Canceled)
		return nil, err
	}
	if resp.Header.Get("Libpod-Api-Version") != "" {
		g.libpod.Store(true)
	}
	resp.Body = &body{ctx: ctx, outer: req.Context(), stop: stop, rc: resp.Body, bound: b, left: b.body, credit: limits.IdleBody}
	return resp, nil
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (g guard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A body ends at its bound, and when it comes too slowly: the first
// limits.IdleBody of waiting are free, and each byte earns more, up to as much.
// Only time spent in Read counts.
type body struct {
	ctx, outer context.Context
	stop       context.CancelCauseFunc
	rc         io.ReadCloser
	bound      bound
	left       int64
	credit     time.Duration
	once       sync.Once
	closed     error
}

var errSlow = fmt.Errorf("the answer comes slower than the minimum of %d bytes per second", limits.MinimumRate)

// Read implements [io.Reader]. Its errors, io.EOF apart, are *failures.
func (b *body) Read(p []byte) (int, error) {
	if b.bound.body > 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	slow := time.AfterFunc(b.credit, func() { b.stop(errSlow) })
	start := time.Now()
	n, err := b.rc.Read(p)
	spent := time.Since(start)
	slow.Stop()
	earned := time.Duration(n) * time.Second / limits.MinimumRate
	b.credit = min(limits.IdleBody, max(b.credit-spent+earned, time.Millisecond))
	if b.left -= int64(n); b.bound.body > 0 && b.left < 0 {
		b.stop(context.Canceled)
		return 0, explain(b.outer, b.ctx, &limits.ExceededError{What: "size of the " + b.bound.what, Limit: b.bound.body})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = explain(b.outer, b.ctx, cutError{err})
	}
	return n, err
}

// Close ends the request, whether or not its answer was read to the end.
func (b *body) Close() error {
	b.once.Do(func() {
		b.closed = b.rc.Close()
		b.stop(context.Canceled)
	})
	return b.closed
}
