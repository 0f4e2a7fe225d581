package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// keys is a Keychain that records who asked.
type keys struct {
	mu    sync.Mutex
	asked []string
	cred  Credential
	err   error
}

func (k *keys) Credential(_ context.Context, host, repository string) (Credential, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, host+"/"+repository)
	return k.cred, k.err
}

// TestCredentials: what is shown for which kind of registry, at which price.
func TestCredentials(t *testing.T) {
	t.Parallel()
	me := Credential{Username: "me", Password: canaryKey}
	tests := []struct {
		name   string
		auth   testregistry.Auth
		cred   Credential
		want   fact.Cause
		first  int // requests for one manifest
		second int // and one more of the same repository
	}{
		{"basic", testregistry.Auth{Username: "me", Password: canaryKey}, me, fine, 2, 3},
		{"basic, anonymous", testregistry.Auth{Username: "me", Password: canaryKey}, Credential{}, fact.Unauthenticated, 1, 2},
		{"basic, wrong", testregistry.Auth{Username: "me", Password: "x"}, me, fact.Unauthenticated, 2, 4},
		{"bearer", testregistry.Auth{Username: "me", Password: canaryKey, Bearer: true}, me, fine, 3, 4},
		{"bearer, anonymous", testregistry.Auth{Bearer: true, Anonymous: true, Username: "me", Password: "x"}, Credential{}, fine, 3, 4},
		{"bearer, wrong", testregistry.Auth{Username: "me", Password: "x", Bearer: true}, me, fact.Unauthenticated, 2, 4},
		{"bearer, identity token", testregistry.Auth{Username: "me", Password: canaryKey, Bearer: true}, Credential{IdentityToken: canaryKey}, fine, 3, 4},
		{"bearer, registry token", testregistry.Auth{Username: "me", Password: canaryKey, Bearer: true}, Credential{RegistryToken: "none"}, fact.Unauthenticated, 2, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{Auth: &tt.auth})
			k := &keys{cred: tt.cred}
			s, _ := testSource(t, Options{Keychain: k})
			// The plain HTTP of the loopback address is found first, unrecorded.
			for i, most := range []int{tt.first, tt.second} {
				_, err := s.Manifest(t.Context(), p.tag)
				got := fine
				if err != nil {
					got = image.CauseOf(err)
				}
				if n := len(p.srv.Requests()); got != tt.want || n > most {
					t.Errorf("call %d: cause %q, want %q; %d requests, want at most %d: %v", i, got, tt.want, n, most, err)
				}
				if err != nil && strings.Contains(err.Error(), canaryKey) {
					t.Errorf("the credential is in the error: %v", err)
				}
			}
			for _, q := range p.srv.Requests() {
				if q.Kind == testregistry.Token && q.Method == http.MethodGet && !strings.Contains(q.Query, url.Values{"scope": {"repository:" + repo + ":pull"}}.Encode()) {
					t.Errorf("asked for %s", q.Query)
				}
			}
		})
	}
}

// TestTokenRenewal: a token is used until it ends, and renewed when it is
// refused before.
func TestTokenRenewal(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{Auth: &testregistry.Auth{Bearer: true, Anonymous: true, ExpiresIn: 300}})
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s, _ := testSource(t, Options{now: func() time.Time { return now }, window: time.Hour})
	ask := func(tokens int) {
		t.Helper()
		if _, err := s.Manifest(t.Context(), p.tag); err != nil {
			t.Fatal(err)
		}
		if n := p.srv.Count("", testregistry.Token); n != tokens {
			t.Errorf("%d tokens, want %d", n, tokens)
		}
	}
	ask(1)
	now = now.Add(280 * time.Second)
	ask(1)
	now = now.Add(20 * time.Second)
	ask(2)
	p.srv.RevokeTokens()
	ask(3)
	// Another repository needs a token of its own, and no 401 first.
	other := ref.Ref{Name: p.srv.Host + "/other", Tag: "v1"}
	if _, err := p.srv.PushImage("other", "v1", p.img); err != nil {
		t.Fatal(err)
	}
	p.srv.Forget()
	if _, err := s.Manifest(t.Context(), other); err != nil || len(p.srv.Requests()) != 2 {
		t.Errorf("%d requests: %v", len(p.srv.Requests()), err)
	}
}

// TestTokensAreShared: many requests at once fetch one token.
func TestTokensAreShared(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{Auth: &testregistry.Auth{Bearer: true, Anonymous: true}})
	s, _ := testSource(t, Options{})
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := s.Manifest(t.Context(), p.tag); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.srv.Count("", testregistry.Token); n != 1 {
		t.Errorf("%d tokens fetched", n)
	}
}

// TestRealm: which token servers see a registry's credentials. AUT-1.
func TestRealm(t *testing.T) {
	t.Parallel()
	s, _ := testSource(t, Options{Hosts: []Host{
		{Host: "listed.example.com", Realms: []string{"tokens.example.org", "ports.example.com:5001"}},
	}, PlainHTTP: []string{"plain.example.com"}})
	tests := []struct {
		registry, realm string
		ok              bool
	}{
		{"docker.io", "https://auth.docker.io/token", true},
		{"ghcr.io", "https://ghcr.io/token", true},
		{"registry.gitlab.com", "https://gitlab.com/jwt/auth", true},
		{"registry.example.com:5000", "https://registry.example.com:5000/token", true},
		{"registry.example.com:5000", "https://auth.example.com/token", true},
		{"registry.example.com", "https://registry.example.com:443/token", true},
		{"REGISTRY.example.com", "https://AUTH.example.com/token", true},
		{"registry.corp.internal", "https://sso.corp.internal/token", true},
		{"listed.example.com", "https://tokens.example.org/token", true},
		{"listed.example.com", "https://ports.example.com:5001/token", true},
		{"listed.example.com", "https://ports.example.com:5002/token", false},
		{"listed.example.com", "http://tokens.example.org/token", false},
		{"registry.example.com", "https://evil.example.org/token", false},
		{"registry.example.com", "https://example.com.evil.org/token", false},
		{"registry.example.com", "https://registry.example.com:8443/token", false},
		{"registry.example.com", "http://registry.example.com/token", false},
		{"plain.example.com", "http://plain.example.com/token", true},
		{"a.github.io", "https://b.github.io/token", false},
		{"a.co.uk", "https://b.co.uk/token", false},
		{"registry", "https://auth/token", false},
		{"registry.example.com", "https://registry.example.com@evil.org/token", false},
		{"registry.example.com", "https://me:pw@registry.example.com/token", false},
		{"registry.example.com", "https://203.0.113.1/token", false},
		{"203.0.113.1:5000", "https://203.0.113.1:5001/token", false},
		{"203.0.113.1:5000", "https://203.0.113.1:5000/token", true},
		{"registry.example.com", "file:///etc/passwd", false},
		{"registry.example.com", "https:registry.example.com", false},
		{"registry.example.com", "//registry.example.com/token", false},
		{"registry.example.com", "https://registry.exämple.com/token", false},
		{"registry.example.com", "https://registry.example.com./token", false},
		{"registry.example.com", "https://2852039166/token", false},
		{"registry.example.com", "", false},
		{"registry.example.com", "https://\x1b[31m/token", false},
		{"listed.example.com", "https://other.example.net/token", false},
		{"docker.io", "https://auth.docker.io.evil.org/token", false},
		{"docker.io", "https://docker.io:8443/token", false},
	}
	for _, tt := range tests {
		e, err := s.endpoint(ref.Ref{Name: strings.ToLower(tt.registry) + "/x/y"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.checkRealm(tt.realm); (err == nil) != tt.ok {
			t.Errorf("%s, realm %q: %v", tt.registry, tt.realm, err)
		} else if err != nil {
			noEscapes(t, err)
			cause, hint := e.explain(t.Context(), err)
			if cause != fact.Blocked || !strings.Contains(hint, "realms: [") {
				t.Errorf("%q: cause %q, hint %q", tt.realm, cause, hint)
			}
		}
	}
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		want string // "" = refused
		life time.Duration
	}{
		{`{"token":"a"}`, "a", time.Minute},
		{`{"access_token":"a","expires_in":300}`, "a", 5 * time.Minute},
		{`{"token":"a","access_token":"a","expires_in":0}`, "a", time.Minute},
		{`{"token":"a","expires_in":5}`, "a", time.Minute},
		{`{"token":"a","expires_in":100000}`, "a", time.Hour},
		{`{"token":"a","access_token":"b"}`, "", 0},
		{`{"token":"a","expires_in":-1}`, "", 0},
		{`{"token":"a","expires_in":1000000000000}`, "", 0},
		{`{"token":"a\r\nX: y"}`, "", 0},
		{`{"token":"a b"}`, "", 0},
		{`{"token":""}`, "", 0},
		{`{}`, "", 0},
		{`[]`, "", 0},
		{`{"token":1}`, "", 0},
		{``, "", 0},
	}
	for _, tt := range tests {
		got, life, err := parseToken([]byte(tt.body))
		if got != tt.want || life != tt.life || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, errToken) {
			t.Errorf("%s: %q, %s, %v", tt.body, got, life, err)
		}
	}
}

func TestParseChallenges(t *testing.T) {
	t.Parallel()
	bearer := &challenge{bearer: true, realm: "https://a/token", service: "s, x"}
	tests := []struct {
		in   []string
		want *challenge
		bad  bool
	}{
		{nil, nil, false},
		{[]string{`Bearer realm="https://a/token",service="s, x",scope="repository:x:pull"`}, bearer, false},
		{[]string{`bEARER  realm = "https://a/token" , service="s, x"`}, bearer, false},
		{[]string{`Basic realm="b", Bearer realm="https://a/token",service="s, x"`}, bearer, false},
		{[]string{`Basic realm="b"`, `Bearer realm="https://a/token",service="s, x"`}, bearer, false},
		{[]string{`Basic`}, &challenge{}, false},
		{[]string{`Negotiate abc123==, Basic realm="q\"uote"`}, &challenge{realm: `q"uote`}, false},
		{[]string{`Digest realm="x", nonce=abc`}, nil, false},
		{[]string{`Bearer realm="unbalanced`}, nil, true},
		{[]string{`Bearer realm="a",realm="b"`}, nil, true},
		{[]string{`="x"`}, nil, true},
		{[]string{strings.Repeat("Basic,", 100)}, nil, true},
		{[]string{strings.Repeat("x", challengeBytes+1)}, nil, true},
		{[]string{strings.Repeat("A,", 5000)}, nil, true},
	}
	for _, tt := range tests {
		got, err := parseChallenges(tt.in)
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(challenge{})); d != "" || (err != nil) != tt.bad {
			t.Errorf("%.80q: %v\n%s", tt.in, err, d)
		}
	}
}

// TestCredentialIsHidden: however it is printed.
func TestCredentialIsHidden(t *testing.T) {
	t.Parallel()
	c := Credential{Username: "me", Password: canaryKey, IdentityToken: canaryKey, RegistryToken: canaryKey}
	o := Options{Hosts: []Host{{Credentials: &c}}}
	text := fmt.Sprintf("%v %+v %#v %s %v %+v", c, c, c, c, &c, o)
	if strings.Contains(text, canaryKey) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(canaryKey))) {
		t.Errorf("printed as %s", text)
	}
}
