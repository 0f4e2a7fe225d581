package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A request is one read below /v2/ of a registry, or a write.
type request struct {
	method string
	path   string   // below /v2/
	page   *url.URL // instead of path: a page that the registry named, of its own origin
	repo   string   // what the token is for
	accept string
	// atHome returns the redirect 303 See Other as an answer instead of following it.
	atHome bool
	write  *write // nil = it reads
}

// scope is what the token of r is for.
func (r request) scope() access {
	if r.write != nil {
		return access{r.repo, "pull,push"}
	}
	return access{r.repo, "pull"}
}

// defaultDeadline bounds a call whose context has none: what --timeout is for one
// target.
const defaultDeadline = 15 * time.Minute

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultDeadline)
}

// once makes one attempt: the request, and if the registry asks for it a token
// and the request again. The answer is 200; all else is an error.
func (e *endpoint) once(ctx context.Context, r request) (*http.Response, error) {
	release, err := e.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	shown, err := e.authorize(ctx, r.scope(), nil, "")
	if err != nil {
		return nil, err
	}
	resp, err := e.send(ctx, r, shown)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized && e.own(resp) {
		status := e.statusOf(resp)
		c, err := parseChallenges(resp.Header.Values("WWW-Authenticate"))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", status, err)
		}
		show, err := e.authorize(ctx, r.scope(), c, shown)
		if err != nil {
			return nil, err
		}
		if show == "" || show == shown {
			return nil, status
		}
		if resp, err = e.send(ctx, r, show); err != nil {
			return nil, err
		}
	}
	switch {
	case r.write != nil && resp.StatusCode == r.write.want, r.write == nil && resp.StatusCode == http.StatusOK:
		return resp, nil
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: status %d where %d was asked for", errProtocol, resp.StatusCode, r.wanted())
	}
	return nil, e.statusOf(resp)
}

// own reports whether the registry itself answered, not a host it led to: only
// its own challenges are met.
func (e *endpoint) own(resp *http.Response) bool { return resp.Request.URL.Host == e.address }

func (e *endpoint) statusOf(resp *http.Response) *statusError {
	defer func() { _ = resp.Body.Close() }()
	s := readStatus(resp)
	s.after = resp.Header.Get("Retry-After")
	return s
}

// send makes the request, in plain HTTP if TLS fails at a loopback address.
func (e *endpoint) send(ctx context.Context, r request, authorization string) (*http.Response, error) {
	u := r.page
	if u == nil {
		u = e.base(r.path)
	}
	resp, err := e.follow(ctx, r, u, authorization)
	if err == nil || u.Scheme != "https" || e.secure.Load() || !e.loopback() || ctx.Err() != nil || isCertificate(err) {
		return resp, err
	}
	plain := *u
	plain.Scheme = "http"
	resp, second := e.follow(ctx, r, &plain, authorization)
	if second != nil && !isNoTLS(err) {
		return nil, err
	}
	e.plain.Store(true) // it answers plain HTTP, so what goes wrong there is what matters
	return resp, second
}

// follow makes the request and follows redirects. The Authorization header goes
// to the origin of u alone.
func (e *endpoint) follow(ctx context.Context, r request, u *url.URL, authorization string) (*http.Response, error) {
	home := origin(u)
	for hop := 0; ; hop++ {
		resp, err := e.roundTrip(ctx, r, u, authorization, home)
		if err != nil {
			return nil, err
		}
		if !isRedirect(resp.StatusCode) || r.atHome && resp.StatusCode == http.StatusSeeOther {
			return resp, nil
		}
		if r.write != nil { // what is written goes where it was sent
			return nil, e.statusOf(resp)
		}
		location := resp.Header.Get("Location")
		_ = resp.Body.Close()
		if hop == limits.Redirects {
			return nil, &limits.ExceededError{What: "number of redirects", Limit: limits.Redirects}
		}
		if u, err = e.redirect(u, location); err != nil {
			return nil, err
		}
	}
}

func (e *endpoint) roundTrip(ctx context.Context, r request, u *url.URL, authorization, home string) (*http.Response, error) {
	ctx, _, err := e.throughProxy(ctx, u)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" && u.Host == e.address {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: e.shookHands})
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), r.body())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if r.write != nil && r.write.kind != "" {
		req.Header.Set("Content-Type", r.write.kind)
	}
	req.Header.Set("User-Agent", e.s.o.UserAgent)
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if authorization != "" && origin(u) == home {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := e.do(req)
	if err != nil && u.Host == e.address {
		return nil, &noAnswerError{err}
	} else if err != nil {
		return nil, err
	}
	if e.own(resp) {
		e.silence.end(e.s.o.now())
		e.noteQuota(resp)
		if u.Scheme == "https" {
			e.secure.Store(true) // also on a connection that a token was asked for on
		}
	}
	return resp, nil
}

// shookHands is told that the registry speaks TLS, whatever it says then.
func (e *endpoint) shookHands(_ tls.ConnectionState, err error) {
	if err == nil {
		e.secure.Store(true)
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect returns where location leads from u, or why it is not followed. The
// addresses behind the name are judged when it is dialed.
func (e *endpoint) redirect(u *url.URL, location string) (*url.URL, error) {
	next, err := u.Parse(location)
	if location == "" || err != nil {
		return nil, fmt.Errorf("%w: a redirect without a usable Location", errProtocol)
	}
	next.Fragment = ""
	switch {
	case next.Scheme != "https" && next.Scheme != "http", next.Hostname() == "":
		return nil, &refusedError{why: fmt.Sprintf("a redirect to %q is not followed: not a web address", clip(next.Redacted()))}
	case next.User != nil:
		return nil, &refusedError{why: fmt.Sprintf("a redirect to %q is not followed: it carries a user name", clip(next.Host))}
	case u.Scheme == "https" && next.Scheme == "http" && !e.s.plainHTTP(next.Host):
		return nil, &refusedError{
			why:  fmt.Sprintf("a redirect from https to http://%s is not followed", clip(next.Host)),
			hint: "--plain-http " + clip(next.Host),
		}
	}
	return next, nil
}

// origin returns scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// clip shortens text from outside for messages.
func clip(s string) string {
	if len(s) > saidLength {
		n := saidLength
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n] + cut
	}
	return s
}

func isRefused(err error) bool {
	var r *refusedError
	return errors.As(err, &r)
}
