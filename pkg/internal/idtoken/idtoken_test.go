package idtoken_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/intact-dev/intact/pkg/internal/idtoken"
)

// An issuer counts what it is asked.
type issuer struct {
	*httptest.Server
	key   *ecdsa.PrivateKey
	asked atomic.Int64
	down  atomic.Bool
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		switch {
		case i.down.Load():
			http.Error(w, "down", http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
		default:
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(t *testing.T, key *ecdsa.PrivateKey, id, audience string, until time.Time) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"iss": i.URL, "aud": audience, "sub": "alice", "exp": until.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	now := time.Unix(1_000_000, 0)
	later := now.Add(time.Hour)
	good := i.token(t, i.key, "one", "us", later)
	for _, tt := range []struct {
		name, token string
		want        error
	}{
		{"good", good, nil},
		{"expired", i.token(t, i.key, "one", "us", now.Add(-time.Hour)), idtoken.ErrExpired},
		{"for others", i.token(t, i.key, "one", "them", later), idtoken.ErrRefused},
		{"changed", good[:len(good)-8] + "AAAAAAAA", idtoken.ErrRefused},
		{"unsigned", "eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", idtoken.ErrRefused},
		{"of another key", i.token(t, newKey(t), "two", "us", later), idtoken.ErrRefused},
		{"none", "x", idtoken.ErrRefused},
		{"long", strings.Repeat("x", 17<<10), idtoken.ErrRefused},
	} {
		// The keys may be asked for anew each time.
		step := now
		v := idtoken.New(i.URL, "us", nil, func() time.Time { step = step.Add(11 * time.Second); return step })
		id, err := v.Verify(t.Context(), tt.token)
		if !errors.Is(err, tt.want) || tt.want == nil && (err != nil || id.Subject != "alice") {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil && len(tt.token) > 10 && strings.Contains(err.Error(), tt.token) {
			t.Errorf("%s: the token is in the error", tt.name)
		}
	}
}

// Whoever sends token after token with keys that nobody knows does not make us ask
// the issuer each time.
func TestTheIssuerIsNotAskedEachTime(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	now := time.Unix(1_000_000, 0)
	v := idtoken.New(i.URL, "us", nil, func() time.Time { return now })
	if _, err := v.Verify(t.Context(), i.token(t, i.key, "one", "us", now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := v.Verify(t.Context(), i.token(t, newKey(t), "two", "us", now.Add(time.Hour))); !errors.Is(err, idtoken.ErrNoKeys) {
			t.Errorf("nothing is known of it: %v", err)
		}
	}
	if n := i.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
	// Keys that were had stay.
	i.down.Store(true)
	now = now.Add(time.Minute)
	if _, err := v.Verify(t.Context(), i.token(t, i.key, "one", "us", now.Add(time.Hour))); err != nil {
		t.Error(err)
	}
}

func TestAnIssuerThatIsAway(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.down.Store(true)
	now := time.Unix(1_000_000, 0)
	v := idtoken.New(i.URL, "us", nil, func() time.Time { return now })
	good := i.token(t, i.key, "one", "us", now.Add(time.Hour))
	for range 5 {
		if _, err := v.Verify(t.Context(), good); !errors.Is(err, idtoken.ErrNoKeys) {
			t.Errorf("%v", err)
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	i.down.Store(false)
	now = now.Add(11 * time.Second)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("it is back: %v", err)
	}
}
