package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/intact-dev/intact/pkg/config"
)

// An identity is a token that an issuer signed for us.
type identity struct {
	auth   config.Auth
	client *http.Client // asks the issuer, bounded
	fetch  *fetches
	now    func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer answered once
}

// Of what is asked of an issuer. Anybody can send a token with a key that is not
// known; that must not make us ask each time.
const (
	fetchPause   = 10 * time.Second
	fetchTimeout = 10 * time.Second
	maxDocument  = 1 << 20
	maxToken     = 16 << 10
)

var errPaused = errors.New("asked too recently")

func newIdentity(auth config.Auth, client *http.Client, now func() time.Time) *identity {
	if client == nil {
		client = http.DefaultClient
	}
	f := &fetches{base: client.Transport, now: now}
	if f.base == nil {
		f.base = http.DefaultTransport
	}
	bounded := *client
	bounded.Transport, bounded.Timeout = f, fetchTimeout
	return &identity{auth: auth, client: &bounded, fetch: f, now: now}
}

func (a *identity) Signs() bool { return false }

func (a *identity) Authenticate(r *http.Request, _ string, _ []byte) Reason {
	token := bearerToken(r)
	switch {
	case token == "":
		return NoCredential
	case len(token) > maxToken:
		return BadCredential
	}
	ctx := oidc.ClientContext(r.Context(), a.client)
	verifier, err := a.ready(ctx)
	if err != nil {
		return NoKeys
	}
	failed := a.fetch.failures()
	id, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Expired
	case err != nil && a.fetch.failures() != failed:
		return NoKeys
	case err != nil:
		return BadCredential
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		return BadCredential
	}
	if a.auth.Email != "" && (claims.Email != a.auth.Email || !claims.Verified) {
		return BadCredential
	}
	if a.auth.Subject != "" && id.Subject != a.auth.Subject {
		return BadCredential
	}
	return ""
}

// ready asks the issuer where its keys are, until it answered once.
func (a *identity) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.verifier != nil {
		return a.verifier, nil
	}
	// Others wait for this answer: it must not end with one request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, a.auth.Issuer)
	if err != nil {
		return nil, err
	}
	a.verifier = provider.VerifierContext(oidc.ClientContext(context.Background(), a.client), &oidc.Config{ClientID: a.auth.Audience, Now: a.now})
	return a.verifier, nil
}

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
