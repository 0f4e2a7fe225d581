package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A client asks one API server. Connections, TLS and credentials are
// client-go's; what is asked, how long is waited and how much is read is decided
// here. It may be used concurrently.
type client struct {
	http     *http.Client
	base     *url.URL
	o        Options
	secrets  []string    // not to be printed
	answered atomic.Bool // the server is there, so that a failure may pass
}

func newClient(config *rest.Config, o Options) (*client, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = o.UserAgent
	config.Timeout = 0 // see patience
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	// Packing costs the server more than the network gains by it, nearby.
	if a, err := netip.ParseAddr(base.Hostname()); base.Hostname() == "localhost" || err == nil && (a.IsLoopback() || a.IsPrivate()) {
		config.DisableCompression = true
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	c := &client{base: base, o: o}
	// client-go adds credentials to every request, wherever it goes: so none goes
	// elsewhere.
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, s := range []string{config.BearerToken, config.Password} {
		if len(s) > 5 { // shorter ones hide nothing but words
			c.secrets = append(c.secrets, s)
		}
	}
	return c, nil
}

// Forms in which answers are asked for.
const (
	acceptObject   = "application/vnd.kubernetes.protobuf, application/json"
	acceptMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json"
	acceptMetaList = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"
	acceptJSON     = "application/json"
)

// A request is a GET, unless it has a method.
type request struct {
	path   string // escaped
	query  url.Values
	accept string

	method      string
	contentType string
	body        []byte
}

const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 8 * time.Second
	// throttled is how often a request is made again that the server puts off. It
	// does so with its own users in mind, and says when to come back.
	throttled = 10
)

// open makes a request until it is answered as it should, fails for good, or was
// made as often as is allowed. The caller closes the body.
func (c *client) open(ctx context.Context, r request) (*body, error) {
	for n := 0; ; n++ {
		b, err := c.once(ctx, r)
		if err == nil || ctx.Err() != nil || !c.transient(err, n) {
			return b, err
		}
		wait := min(backoffFirst<<n, backoffMost)
		wait = time.Duration(float64(wait) * (0.5 + c.o.jitter()))
		var s *statusError
		if errors.As(err, &s) && s.after > 0 {
			if s.after > limits.RetryAfterCap {
				return nil, fmt.Errorf("%w; not tried again: it asks to wait %s, more than the limit of %s", err, s.after, limits.RetryAfterCap)
			}
			wait = s.after
		}
		if deadline, ok := ctx.Deadline(); ok && c.o.now().Add(wait).After(deadline) {
			return nil, fmt.Errorf("%w; not tried again: the deadline is sooner than the %s to wait", err, wait.Round(time.Millisecond))
		}
		if c.o.sleep(ctx, wait) != nil {
			return nil, err
		}
	}
}

// transient reports whether the same request may get another answer, after it
// was made n times more than once.
func (c *client) transient(err error, n int) bool {
	var s *statusError
	switch {
	case errors.As(err, &s):
		switch {
		case s.code == http.StatusTooManyRequests:
			return n < throttled
		case s.code == http.StatusUnauthorized: // a token that ran out on the way; client-go has asked its plugin for another
			return n == 0 && c.answered.Load()
		}
		return s.code >= 500 && n < limits.Retries
	case errors.Is(err, errHang), errors.Is(err, errProtocol), isCredentials(err), isTLS(err):
		return false
	}
	return c.answered.Load() && n < limits.Retries
}

// once makes a request. A plugin for credentials may hang without looking at the
// context, so nobody waits for it longer than that.
func (c *client) once(ctx context.Context, r request) (*body, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &body{cancel: cancel, patience: c.o.Timeout, ctx: ctx, now: c.o.now}
	b.timer = c.o.timer(c.o.Timeout, func() { cancel(errHang) })
	b.timer.Stop()
	// The server's time begins with the connection: a plugin for credentials may have
	// to wait for somebody to log in.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) { b.timer.Reset(c.o.Timeout) }})
	where := *c.base
	where.RawPath = strings.TrimSuffix(where.EscapedPath(), "/") + r.path
	where.Path, _ = url.PathUnescape(where.RawPath) // what was escaped can be unescaped
	where.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.method, http.MethodGet), where.String(), bytes.NewReader(r.body))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	req.Header.Set("Accept", r.accept)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		resp, err := c.http.Do(req)
		done <- result{resp, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-ctx.Done():
		go func() {
			if late := <-done; late.resp != nil {
				_ = late.resp.Body.Close()
			}
		}()
		got.err = context.Cause(ctx)
	}
	b.timer.Stop()
	if got.err != nil {
		cause := context.Cause(ctx)
		cancel(nil)
		if cause != nil {
			return nil, cause
		}
		return nil, plain(got.err)
	}
	b.raw = got.resp.Body
	if s := got.resp.StatusCode; s != http.StatusOK && (r.method == "" || s < 200 || s > 299) {
		defer b.close()
		return nil, readStatus(got.resp, b, c.o.now())
	}
	c.answered.Store(true)
	return b, nil
}

// plain drops the method and URL, which stand in the message in better words.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil && op.Op == "dial" {
		return fmt.Errorf("connect to %s: %w", op.Addr, op.Err)
	}
	return err
}

// A body is an answer that has to get on.
type body struct {
	raw      io.ReadCloser
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    timer
	patience time.Duration
	now      func() time.Time

	waited time.Duration // in the current window, for bytes
	got    int
}

// Read waits for bytes as long as the patience goes, and no longer for few of
// them than for none: a server that trickles hangs, too. What happens between two
// reads does not count.
func (b *body) Read(p []byte) (int, error) {
	start := b.now()
	b.timer.Reset(b.patience)
	n, err := b.raw.Read(p)
	b.timer.Stop()
	if cause := context.Cause(b.ctx); cause != nil && err != nil && !errors.Is(err, io.EOF) {
		return n, cause
	}
	b.waited += b.now().Sub(start)
	b.got += n
	if b.waited >= b.patience {
		if b.got < int(limits.MinimumRate*b.patience.Seconds()) && err == nil {
			return n, errHang
		}
		b.waited, b.got = 0, 0
	}
	return n, err
}

func (b *body) close() {
	b.timer.Stop()
	b.cancel(nil)
	_ = b.raw.Close()
}
