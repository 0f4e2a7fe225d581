package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/intact-dev/intact/pkg/internal/netguard"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

// Options say how places are reached.
type Options struct {
	// Source is the source of CloudEvents: a URI that names this service.
	Source string
	// UserAgent is sent with every request; "" = "intact".
	UserAgent string
	// Timeout of a request; 0 = 15 s.
	Timeout time.Duration
	// Proxy returns the proxy for a request; nil = that of the environment
	// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy func(*http.Request) (*url.URL, error)
	// Now stamps signatures and reads dates; nil = time.Now.
	Now func() time.Time
}

// A Sender sends happenings. It may be used concurrently.
type Sender struct {
	o      Options
	client *http.Client
}

// NewSender returns a Sender. It does no I/O.
func NewSender(o Options) (*Sender, error) {
	u, err := url.Parse(o.Source)
	if err != nil || o.Source == "" || u.String() == "" {
		return nil, fmt.Errorf("the source of events %q is no URI", o.Source)
	}
	if o.UserAgent == "" {
		o.UserAgent = "intact"
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	// The operator named the places: they may be inside. No name may lead to
	// link-local or metadata addresses.
	guard := &netguard.Guard{Rules: netguard.Rules{Listed: func(string) bool { return true }}}
	return &Sender{o: o, client: &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			Proxy: o.Proxy, DialContext: guard.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
			MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
		},
		// A receiver that moved must be written anew into the config: what is told is
		// for that place alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Send tells p of h with one request. The error is an [*Error].
func (s *Sender) Send(ctx context.Context, p Place, h happening.Happening) error {
	if p.url == nil {
		return &Error{Place: p.name, why: "it has no URL"}
	}
	body, kind, err := s.body(p, h)
	if err != nil {
		return &Error{Place: p.name, why: err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return &Error{Place: p.name, why: "its URL makes no request"}
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", s.o.UserAgent)
	if p.key != nil {
		sign(req.Header, p.key, eventID(h.ID), s.o.Now(), body)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return failed(ctx, p, err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil && resp.StatusCode < 300 {
		said = nil // it was accepted
	}
	return answered(p, resp, said, s.o.Now())
}

func (s *Sender) body(p Place, h happening.Happening) (body []byte, contentType string, err error) {
	switch p.kind {
	case Slack:
		body, err = slackBody(h)
		return body, "application/json; charset=utf-8", err
	case Teams:
		body, err = teamsBody(h)
		return body, "application/json; charset=utf-8", err
	case CloudEvents:
		body, err = eventBody(h, s.o.Source)
		return body, "application/cloudevents+json; charset=utf-8", err
	}
	return nil, "", fmt.Errorf("unknown kind %q", p.kind)
}

// longestWait bounds what a receiver may ask for.
const longestWait = 24 * time.Hour

// answered judges the answer. 2xx is told. Too early, too many, timeouts and a
// server's own failures may end; everything else will not end by itself.
func answered(p Place, resp *http.Response, said []byte, now time.Time) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	e := &Error{Place: p.name, Status: code, why: fmt.Sprintf("it answered %d %s", code, http.StatusText(code))}
	switch {
	case code >= 300 && code < 400:
		e.why += ": redirects are not followed, write the new URL into the config"
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		e.Retry, e.After = true, retryAfter(resp.Header.Get("Retry-After"), now)
	}
	if text := bytes.TrimSpace(said); len(text) > 0 {
		e.why += fmt.Sprintf(": %q", p.hide(clip(string(text), 200)))
	}
	return e
}

// retryAfter is what the header asks for, 0 if nothing that can be understood.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, min(t.Sub(now), longestWait))
	}
	return 0
}

// failed says why there is no answer: such things may end.
func failed(ctx context.Context, p Place, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the URL
	}
	e := &Error{Place: p.name, Retry: true, why: p.hide(err.Error())}
	var blocked *netguard.BlockedError
	switch {
	case ctx.Err() != nil:
		e.cause = context.Cause(ctx)
	case errors.As(err, &blocked):
		e.Retry = false
	}
	return e
}
