// Package idtoken verifies identity tokens (OpenID Connect) of one issuer, and
// bounds what is asked of that issuer: anybody can send a token with a key that is
// not known, and that must not make us ask each time.
package idtoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Of what is asked of an issuer.
const (
	fetchPause   = 10 * time.Second
	fetchTimeout = 10 * time.Second
	maxDocument  = 1 << 20
	maxToken     = 16 << 10
)

// Errors of [Verifier.Verify], wrapped.
var (
	// ErrRefused is that the token is none of the issuer's for this audience.
	ErrRefused = errors.New("the token is not accepted")
	// ErrExpired is that it was one.
	ErrExpired = errors.New("the token has expired")
	// ErrNoKeys is that the issuer's keys could not be had: nothing is known of the
	// token.
	ErrNoKeys = errors.New("the keys of the issuer could not be had")
)

// A Verifier verifies tokens. It may be used concurrently.
type Verifier struct {
	issuer, audience string
	client           *http.Client // asks the issuer, bounded
	now              func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer answered once
}

// New returns the Verifier of the tokens of issuer for audience. client asks the
// issuer, nil is the default one. The issuer is asked when the first token comes.
func New(issuer, audience string, client *http.Client, now func() time.Time) *Verifier {
	if client == nil {
		client = http.DefaultClient
	}
	f := &fetches{base: client.Transport, now: now}
	if f.base == nil {
		f.base = http.DefaultTransport
	}
	bounded := *client
	bounded.Transport, bounded.Timeout = f, fetchTimeout
	return &Verifier{issuer: issuer, audience: audience, client: &bounded, now: now}
}

// Verify returns the token once issuer, audience, signature and times are right.
// The error repeats nothing of the token.
func (v *Verifier) Verify(ctx context.Context, token string) (*oidc.IDToken, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrRefused, maxToken)
	}
	ctx = oidc.ClientContext(ctx, v.client)
	verifier, err := v.ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	var missing bool
	id, err := verifier.Verify(context.WithValue(ctx, missingKeys{}, &missing), token)
	var expired *oidc.TokenExpiredError
	switch {
	case err == nil:
		return id, nil
	case errors.As(err, &expired):
		return nil, ErrExpired
	case missing:
		return nil, ErrNoKeys
	}
	return nil, ErrRefused
}

// ready asks the issuer where its keys are, until it answered once.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	// Others wait for this answer: it must not end with one request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, v.issuer)
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
	keys := keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), v.client), doc.Keys)}
	v.verifier = oidc.NewVerifier(v.issuer, keys, &oidc.Config{ClientID: v.audience, Now: v.now, SupportedSigningAlgs: signing(doc.Algorithms)})
	return v.verifier, nil
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
