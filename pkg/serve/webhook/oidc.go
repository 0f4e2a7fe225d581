package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/intact-dev/intact/pkg/config"
)

// An identity is a token that an issuer signed for us.
type identity struct {
	auth   config.Auth
	client *http.Client // asks the issuer, bounded
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
	return &identity{auth: auth, client: &bounded, now: now}
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
	var missing bool
	ctx = context.WithValue(ctx, missingKeys{}, &missing)
	id, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Expired
	case err != nil && missing:
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
	var doc struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&doc); err != nil {
		return nil, err
	}
	keys := keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), a.client), doc.Keys)}
	a.verifier = oidc.NewVerifier(a.auth.Issuer, keys, &oidc.Config{ClientID: a.auth.Audience, Now: a.now, SupportedSigningAlgs: signing(doc.Algorithms)})
	return a.verifier, nil
}

// signing are those of an issuer's algorithms that have public keys.
func signing(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(publicKeys, name) })
}

var publicKeys = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// missingKeys is where a keySet says that it could not ask the issuer.
type missingKeys struct{}

// A keySet tells a signature that is wrong from keys that could not be had.
type keySet struct{ *oidc.RemoteKeySet }

// VerifySignature implements [oidc.KeySet].
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	var failed *url.Error
	if missing, ok := ctx.Value(missingKeys{}).(*bool); ok && errors.As(err, &failed) {
		*missing = true
	}
	return payload, err
}

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
