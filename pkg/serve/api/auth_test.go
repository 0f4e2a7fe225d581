package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/api"
)

const tagsPath = "/api/v1/tags?repository=" + app

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"nothing", nil, 401},
		{"a wrong token", []string{"Authorization", "Bearer " + wrongToken}, 401},
		{"a part of one", []string{"Authorization", "Bearer " + readToken[:20]}, 401},
		{"more than one", []string{"Authorization", "Bearer " + readToken + "x"}, 401},
		{"no token", []string{"Authorization", "Bearer "}, 401},
		{"another scheme", []string{"Authorization", "Basic " + readToken}, 401},
		{"in a query", nil, 401},
		{"reader", []string{"Authorization", "bearer " + readToken}, 200},
		{"writer", []string{"Authorization", "Bearer " + writeToken}, 200},
	} {
		path := tagsPath
		if tt.name == "in a query" {
			path += "&access_token=x"
		}
		e := s.do(http.MethodGet, path, "", "", tt.header...)
		if e.status != tt.status {
			t.Errorf("%s: %d %s", tt.name, e.status, e.body)
		}
		if tt.status == 401 {
			s.refused(e, 401, "")
			if e.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no challenge", tt.name)
			}
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+tagsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + readToken, "Bearer " + wrongToken}
	resp, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("two headers: %d", resp.StatusCode)
	}
	s.refused(s.do(http.MethodPost, "/api/v1/scans", readToken, `{"reference":"ghcr.io/acme/app:1"}`), 403, `"board" is a reader`)
	if log := s.log.String(); strings.Contains(log, "canary") {
		t.Errorf("a token is in the log: %s", log)
	}
}

func TestWithoutATokenTheAPIIsOff(t *testing.T) {
	t.Parallel()
	s := newService(t, config.API{}, nil)
	for range 3 {
		for _, path := range []string{tagsPath, "/api/v1/openapi.json", "/api/v1/x"} {
			s.refused(s.do(http.MethodGet, path, readToken, ""), 404, "the API is off")
		}
	}
	if n := strings.Count(s.log.String(), "serve.api.tokens"); n != 1 {
		t.Errorf("the hint is there %d times: %s", n, s.log)
	}
}

func TestTokensThatCannotBeOnes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		secret config.Secret
		says   string
	}{
		{"empty", config.Secret{Env: ""}, "can be guessed"},
		{"short", config.Secret{Env: "canary-0123456789"}, "can be guessed"},
		{"with a space", config.Secret{Env: "canary 0123456789abcdef0123456789abcdef"}, "visible characters"},
		{"two lines", config.Secret{Env: "canary-0123456789abcdef0123456789abcdef\nx"}, "visible characters"},
		{"long", config.Secret{Env: "canary" + strings.Repeat("x", 300)}, "does not fit into a header"},
		{"not there", config.Secret{File: "/run/token"}, "no such file"},
	} {
		a := config.API{Tokens: []config.Token{{Name: "ci", Role: "writer", Token: tt.secret}}}
		_, err := api.New(a, api.Options{Secret: func(s config.Secret) (string, error) {
			if s.File != "" {
				return "", fmt.Errorf("open %s: no such file", s.File)
			}
			return s.Env, nil
		}})
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `"ci"`) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// An issuer is an OpenID provider.
type issuer struct {
	*httptest.Server
	key  *rsa.PrivateKey
	down bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case i.down:
			http.Error(w, "down", http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
		case r.URL.Path == "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}}})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// token signs claims; change may replace some.
func (i *issuer) token(t *testing.T, key *rsa.PrivateKey, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": i.URL, "aud": "intact", "sub": "alice\u202e", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "groups": []any{"dev", 7, nil, "ops"}}
	for k, v := range change {
		claims[k] = v
	}
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
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

func TestIdentityTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, config.API{OIDC: &config.OIDC{Issuer: i.URL, Audience: "intact", Roles: []config.ClaimRole{
		{Claim: "groups", Value: "ops", Role: "writer"}, {Claim: "email", Value: "bob@example.com", Role: "reader"}, {Claim: "groups", Value: "", Role: "writer"},
	}}}, nil)
	mail := map[string]any{"groups": nil, "email": "bob@example.com", "email_verified": true}
	for _, tt := range []struct {
		name        string
		key         *rsa.PrivateKey
		change      map[string]any
		read, write int
	}{
		{"a group", i.key, nil, 200, 202},
		{"a group as text", i.key, map[string]any{"groups": "ops"}, 200, 202},
		{"an address", i.key, mail, 200, 403},
		{"an address that is not verified", i.key, map[string]any{"groups": nil, "email": "bob@example.com"}, 401, 401},
		{"no group", i.key, map[string]any{"groups": nil}, 401, 401},
		{"another group", i.key, map[string]any{"groups": []string{"opsx"}}, 401, 401},
		{"groups in an object", i.key, map[string]any{"groups": map[string]any{"ops": true}}, 401, 401},
		{"another audience", i.key, map[string]any{"aud": "other"}, 401, 401},
		{"another issuer", i.key, map[string]any{"iss": "https://example.com"}, 401, 401},
		{"expired", i.key, map[string]any{"exp": now.Add(-time.Minute).Unix()}, 401, 401},
		{"another key, and the issuer was asked just now", other, nil, 503, 503},
	} {
		token := i.token(t, tt.key, tt.change)
		if e := s.do(http.MethodGet, tagsPath, token, ""); e.status != tt.read {
			t.Errorf("%s: read %d %s", tt.name, e.status, e.body)
		}
		if e := s.do(http.MethodPost, "/api/v1/scans", token, `{"reference":"`+app+`:1"}`); e.status != tt.write {
			t.Errorf("%s: write %d %s", tt.name, e.status, e.body)
		}
		if strings.Contains(s.log.String(), token) || strings.Contains(s.log.String(), "\u202e") {
			t.Errorf("%s: in the log: %s", tt.name, s.log)
		}
	}
	s.refused(s.do(http.MethodGet, tagsPath, i.token(t, i.key, map[string]any{"exp": 1}), ""), 401, "expired")
	s.refused(s.do(http.MethodGet, tagsPath, "a.b.c", ""), 401, "not accepted")
	s.refused(s.do(http.MethodGet, tagsPath, strings.Repeat("x", 20<<10)+".b.c", ""), 401, "not accepted")
}

func TestTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.down = true
	a := tokens
	a.OIDC = &config.OIDC{Issuer: i.URL, Audience: "intact", Roles: []config.ClaimRole{{Claim: "sub", Value: "x", Role: "reader"}}}
	s := newService(t, a, nil)
	e := s.do(http.MethodGet, tagsPath, i.token(t, i.key, nil), "")
	s.refused(e, 503, "keys of the issuer")
	if e.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if e := s.do(http.MethodGet, tagsPath, readToken, ""); e.status != 200 {
		t.Errorf("a fixed token needs no issuer: %d", e.status)
	}
}

// A store that is gone is told, without what it is.
func TestTheStoreIsAway(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{tagsPath, "/api/v1/verdicts", "/api/v1/verdicts/1", "/api/v1/history?reference=" + app, "/api/v1/events", "/api/v1/checkpoint", "/api/v1/scans?number=1&reference=" + app} {
		e := s.do(http.MethodGet, path, readToken, "")
		s.refused(e, 503, "the store cannot be read now")
		if strings.Contains(string(e.body), "store.db") {
			t.Errorf("%s tells the place of the store: %s", path, e.body)
		}
	}
	s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"`+app+`"}`), 503, "the store")
}

func TestACrashIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, func(o *api.Options) { o.Watched = func(string) bool { panic("out of order") } })
	s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"`+app+`"}`), 500, "the log of the service")
	if !strings.Contains(s.log.String(), "out of order") {
		t.Error(s.log)
	}
}
