package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// An issuer signs tokens and shows its keys.
type issuer struct {
	*httptest.Server
	asked atomic.Int32 // for keys
	down  atomic.Bool

	mu   sync.Mutex
	keys []jose.JSONWebKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.rotate(t, "one")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		var set jose.JSONWebKeySet
		for _, k := range i.keys {
			set.Keys = append(set.Keys, k.Public())
		}
		_ = json.NewEncoder(w).Encode(set)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func newKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "ES256", Use: "sig"}
}

func (i *issuer) rotate(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key := newKey(t, id)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []jose.JSONWebKey{key}
	return key
}

func (i *issuer) key() jose.JSONWebKey { i.mu.Lock(); defer i.mu.Unlock(); return i.keys[0] }

// token signs the usual claims with what is changed.
func (i *issuer) token(t *testing.T, key jose.JSONWebKey, change map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": i.URL, "aud": "https://intact.acme.example/hooks/gcr", "sub": "1", "email": "pubsub@acme.iam.gserviceaccount.com", "email_verified": true,
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for k, v := range change {
		claims[k] = v
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (i *issuer) authenticator(t *testing.T, clock func() time.Time, who string) func(token string) webhook.Reason {
	t.Helper()
	list := "  - {name: e, kind: artifact-registry, registry: eu.gcr.io, repositories: ['**'], auth: {type: oidc, issuer: '" + i.URL +
		"', audience: 'https://intact.acme.example/hooks/gcr', " + who + "}}\n"
	e := endpoints(t, list)[0]
	a, err := webhook.NewAuthenticator(&e, func(config.Secret) (string, error) { t.Error("a secret is read"); return "", nil }, i.Client(), clock)
	if err != nil {
		t.Fatal(err)
	}
	return func(token string) webhook.Reason {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/e", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return a.Authenticate(r, "", nil)
	}
}

func part(token string, n int) string { return strings.Split(token, ".")[n] }

func fixed() time.Time { return now }

const email = "email: pubsub@acme.iam.gserviceaccount.com"

func TestIdentityOfAToken(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	ask := i.authenticator(t, fixed, email)
	key := i.key()
	for _, row := range []struct {
		name, token string
		want        webhook.Reason
	}{
		{"good", i.token(t, key, nil), ""},
		{"one of several audiences", i.token(t, key, map[string]any{"aud": []string{"x", "https://intact.acme.example/hooks/gcr"}}), ""},
		{"none", "", webhook.NoCredential},
		{"no token", "x", webhook.BadCredential},
		{"another issuer", i.token(t, key, map[string]any{"iss": "https://accounts.example"}), webhook.BadCredential},
		{"another audience", i.token(t, key, map[string]any{"aud": "https://intact.acme.example/hooks/other"}), webhook.BadCredential},
		{"another account", i.token(t, key, map[string]any{"email": "evil@acme.iam.gserviceaccount.com"}), webhook.BadCredential},
		{"no account", i.token(t, key, map[string]any{"email": nil}), webhook.BadCredential},
		{"not verified", i.token(t, key, map[string]any{"email_verified": false}), webhook.BadCredential},
		{"verified in words", i.token(t, key, map[string]any{"email_verified": "true"}), webhook.BadCredential},
		{"expired", i.token(t, key, map[string]any{"exp": now.Add(-time.Second).Unix()}), webhook.Expired},
		{"not yet valid", i.token(t, key, map[string]any{"nbf": now.Add(time.Hour).Unix()}), webhook.BadCredential},
		{"huge", i.token(t, key, map[string]any{"x": strings.Repeat("x", 20000)}), webhook.BadCredential},
		{"unsigned", "eyJhbGciOiJub25lIn0." + part(i.token(t, key, nil), 1) + ".", webhook.BadCredential},
		// The signature may be of a key that is new; it was asked for just now.
		{"of another body", strings.Join([]string{part(i.token(t, key, nil), 0), part(i.token(t, key, map[string]any{"sub": "2"}), 1), part(i.token(t, key, nil), 2)}, "."), webhook.NoKeys},
	} {
		if got := ask(row.token); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	bySubject := i.authenticator(t, fixed, "subject: '1'")
	if got := bySubject(i.token(t, key, nil)); got != "" {
		t.Errorf("subject: %q", got)
	}
	if got := bySubject(i.token(t, key, map[string]any{"sub": "2"})); got != webhook.BadCredential {
		t.Errorf("another subject: %q", got)
	}
}

// Tokens with keys that nobody knows do not make us ask the issuer each time, and
// those with known keys are taken all the while.
func TestKeysAreKeptAndAskedForRarely(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	var late atomic.Int64
	ask := i.authenticator(t, func() time.Time { return now.Add(time.Duration(late.Load())) }, email)
	good := i.token(t, i.key(), nil)
	for range 50 {
		if got := ask(good); got != "" {
			t.Fatalf("%q", got)
		}
	}
	forged := i.token(t, newKey(t, "forged"), nil)
	for range 50 {
		if got := ask(forged); got == "" {
			t.Fatal("forged")
		}
		if got := ask(good); got != "" {
			t.Fatalf("known: %q", got)
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	rotated := i.token(t, i.rotate(t, "two"), nil)
	if got := ask(rotated); got != webhook.NoKeys {
		t.Errorf("too early: %q", got)
	}
	late.Store(int64(11 * time.Second))
	got := ask(rotated)
	for n := 0; got == webhook.NoKeys && n < 10000; n++ { // an answer of before may still be told
		got = ask(rotated)
	}
	if got != "" {
		t.Errorf("a new key: %q", got)
	}
	got = ask(good)
	for n := 0; got == "" && n < 10000; n++ { // the answer is told before it is kept
		got = ask(good)
	}
	if got == "" {
		t.Error("a key that the issuer took back is accepted")
	}
}

// An issuer that does not answer is no reason to refuse for ever.
func TestIssuerIsDownAndComesBack(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.down.Store(true)
	var late atomic.Int64
	ask := i.authenticator(t, func() time.Time { return now.Add(time.Duration(late.Load())) }, email)
	token := i.token(t, i.key(), nil)
	for range 3 {
		if got := ask(token); got != webhook.NoKeys {
			t.Fatalf("%q", got)
		}
	}
	i.down.Store(false)
	late.Store(int64(11 * time.Second))
	if got := ask(token); got != "" {
		t.Errorf("%q", got)
	}
}
