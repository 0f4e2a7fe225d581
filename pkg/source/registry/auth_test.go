package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

// site is a made-up internet: names at public addresses, all served by one TLS
// server which records by name what it was shown.
type site struct {
	mu    sync.Mutex
	shown map[string][]string // by host[:port]: Authorization headers and form values
	serve map[string]http.HandlerFunc
	srv   *httptest.Server
	plain *httptest.Server
}

func newSite(t *testing.T, serve map[string]http.HandlerFunc) *site {
	t.Helper()
	x := &site{shown: map[string][]string{}, serve: serve}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x.mu.Lock()
		x.shown[r.Host] = append(x.shown[r.Host], r.Header.Get("Authorization")+" "+r.URL.RawQuery+" "+string(body))
		f := x.serve[r.Host]
		x.mu.Unlock()
		if f == nil {
			http.NotFound(w, r)
			return
		}
		f(w, r)
	})
	x.srv = httptest.NewTLSServer(h)
	x.plain = httptest.NewServer(h)
	t.Cleanup(x.srv.Close)
	t.Cleanup(x.plain.Close)
	return x
}

// source returns a Source that lives in the made-up internet.
func (x *site) source(t *testing.T, o Options) *Source {
	t.Helper()
	o.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if strings.HasSuffix(host, ".inside") {
			return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("203.0.113.7")}, nil
	}
	o.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		to := x.srv
		if strings.HasSuffix(address, ":80") {
			to = x.plain
		}
		return (&net.Dialer{}).DialContext(ctx, network, to.Listener.Addr().String())
	}
	s, _ := testSource(t, o)
	s.o.Retries = 0
	return s
}

// trust makes the endpoint of name accept the made-up internet's certificate.
func (x *site) trust(t *testing.T, s *Source, name string) {
	t.Helper()
	e, err := s.endpoint(ref.Ref{Name: name + "/x"})
	if err != nil {
		t.Fatal(err)
	}
	e.transport.TLSClientConfig.InsecureSkipVerify = true
}

func (x *site) seen(host string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Join(x.shown[host], "\n")
}

// TestCredentialsStayHome: a canary is configured for one registry, which then
// does all it can to have it sent elsewhere. AUT-1 to AUT-4, AUT-9, NET-8.
func TestCredentialsStayHome(t *testing.T) {
	t.Parallel()
	challenge := func(realm string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer") {
				_, _ = io.WriteString(w, "{}")
				return
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q", realm))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	lead := func(to string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(status)
		}
	}
	token := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"token":"canary-token"}`) }
	const home = "home.example.com"
	// first wants Basic, then leads elsewhere.
	first := func(then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			then(w, r)
		}
	}
	tests := []struct {
		name  string
		serve map[string]http.HandlerFunc
		cause fact.Cause
		spies []string // must not have been shown anything secret
	}{
		{"realm on another host", map[string]http.HandlerFunc{home: challenge("https://evil.example.org/token")}, fact.Blocked, []string{"evil.example.org"}},
		{"realm over plain HTTP", map[string]http.HandlerFunc{home: challenge("http://home.example.com/token")}, fact.Blocked, nil},
		{"realm redirects", map[string]http.HandlerFunc{home: challenge("https://auth.example.com/token"), "auth.example.com": lead("https://evil.example.org/token", 307)}, fact.Blocked, []string{"evil.example.org"}},
		{"realm redirects with 308", map[string]http.HandlerFunc{home: challenge("https://auth.example.com/token"), "auth.example.com": lead("https://evil.example.org/token", 308)}, fact.Blocked, []string{"evil.example.org"}},
		{"realm redirects to a sibling", map[string]http.HandlerFunc{home: challenge("https://auth.example.com/token"), "auth.example.com": lead("https://other.example.com/token", 302)}, fact.Blocked, []string{"other.example.com"}},
		{"content elsewhere", map[string]http.HandlerFunc{home: first(lead("https://cdn.example.org/x", 307)), "cdn.example.org": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }}, fine, []string{"cdn.example.org"}},
		{"content at another port", map[string]http.HandlerFunc{home: first(lead("https://home.example.com:8443/x", 307)), "home.example.com:8443": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }}, fine, []string{"home.example.com:8443"}},
		{"content without TLS", map[string]http.HandlerFunc{home: first(lead("http://home.example.com/x", 307))}, fact.Blocked, nil},
		{"content with a user name", map[string]http.HandlerFunc{home: first(lead("https://me:pw@cdn.example.org/x", 307))}, fact.Blocked, []string{"cdn.example.org"}},
		{"content inside", map[string]http.HandlerFunc{home: first(lead("https://store.inside/x", 307))}, fact.Blocked, []string{"store.inside"}},
		{"another host asks too", map[string]http.HandlerFunc{home: first(lead("https://cdn.example.org/x", 307)), "cdn.example.org": challenge("https://cdn.example.org/token")}, fact.Unauthenticated, []string{"cdn.example.org"}},
		{"there and back", map[string]http.HandlerFunc{home: first(lead("https://cdn.example.org/x", 307)), "cdn.example.org": lead("https://home.example.com/v2/", 307)}, fact.Limit, []string{"cdn.example.org"}},
		{"a token server of the same domain", map[string]http.HandlerFunc{home: challenge("https://auth.example.com/token?service=x"), "auth.example.com": token}, fine, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newSite(t, tt.serve)
			s := x.source(t, Options{Hosts: []Host{{Host: home, Credentials: &Credential{Username: "me", Password: canaryKey}}}})
			x.trust(t, s, home)
			_, err := s.Manifest(t.Context(), ref.Ref{Name: home + "/a/b", Tag: "v1"})
			got := fine
			if err != nil {
				got = image.CauseOf(err)
			}
			if got != tt.cause {
				t.Errorf("cause %q, want %q: %v", got, tt.cause, err)
			}
			for _, spy := range tt.spies {
				if shown := x.seen(spy); strings.Contains(shown, "Basic") || strings.Contains(shown, "Bearer") || strings.Contains(shown, canaryKey) {
					t.Errorf("%s was shown %q", spy, shown)
				}
			}
		})
	}
}

// TestCredentialsOfOthers: a registry sees nothing of what is for another. AUT-9.
func TestCredentialsOfOthers(t *testing.T) {
	t.Parallel()
	x := newSite(t, map[string]http.HandlerFunc{"b.example.com": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="a.example.com"`)
		w.WriteHeader(http.StatusUnauthorized)
	}})
	s := x.source(t, Options{Hosts: []Host{{Host: "a.example.com", Credentials: &Credential{Username: "me", Password: canaryKey}}}})
	x.trust(t, s, "b.example.com")
	_, err := s.Manifest(t.Context(), ref.Ref{Name: "b.example.com/x", Tag: "v1"})
	if image.CauseOf(err) != fact.Unauthenticated || strings.Contains(x.seen("b.example.com"), "Basic") {
		t.Errorf("%v; shown %q", err, x.seen("b.example.com"))
	}
}

// TestPlainHTTP: no credential leaves the machine in the clear, and nobody is
// even asked for one.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	x := newSite(t, map[string]http.HandlerFunc{"plain.example.com": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}})
	k := &keys{cred: Credential{Username: "me", Password: canaryKey}}
	s := x.source(t, Options{PlainHTTP: []string{"plain.example.com"}, Keychain: k})
	_, err := s.Manifest(t.Context(), ref.Ref{Name: "plain.example.com/x", Tag: "v1"})
	if image.CauseOf(err) != fact.Unauthenticated || !strings.Contains(image.HintOf(err), "plain HTTP") {
		t.Errorf("%v (%s)", err, image.HintOf(err))
	}
	if shown := x.seen("plain.example.com"); strings.Contains(shown, "Basic") || len(k.asked) != 0 {
		t.Errorf("shown %q, asked %q", shown, k.asked)
	}
	// Not listed: TLS only.
	s = x.source(t, Options{dial: nil})
	_, err = s.Manifest(t.Context(), ref.Ref{Name: "plain.example.com/x", Tag: "v1"})
	if image.CauseOf(err) != fact.Network {
		t.Errorf("%v", err)
	}
}

// TestTLS: a certificate that is not trusted is an error with a hint, also at a
// loopback address; one that is trusted by the settings is used. NET-11.
func TestTLS(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{TLS: true})
	s, n := testSource(t, Options{})
	_, err := s.Manifest(t.Context(), p.tag)
	if image.CauseOf(err) != fact.Network || !strings.Contains(image.HintOf(err), "ca: FILE") || len(n.list()) != 0 {
		t.Errorf("%v (%s), %d naps", err, image.HintOf(err), len(n.list()))
	}
	s, _ = testSource(t, Options{Hosts: []Host{{Host: p.srv.Host, CA: p.srv.CA()}}})
	for _, step := range steps {
		if err := step(t.Context(), s, p, p.layer(t)); err != nil {
			t.Error(err)
		}
	}
	if n := p.srv.Count("", testregistry.ManifestTag); n != 2 {
		t.Errorf("%d requests of the tag, want 2", n)
	}
}

// TestPlainHTTPServer: a TLS attempt at a registry without TLS says which flag
// to use, unless it is on this machine.
func TestPlainHTTPServer(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	o := Options{
		lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("203.0.113.7")}, nil
		},
		dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, p.srv.Host)
		},
	}
	s, _ := testSource(t, o)
	far := ref.Ref{Name: "far.example.com:5000/" + repo, Tag: "v1"}
	_, err := s.Manifest(t.Context(), far)
	if image.CauseOf(err) != fact.Network || image.HintOf(err) != "--plain-http far.example.com:5000" {
		t.Errorf("%v (%s)", err, image.HintOf(err))
	}
	o.PlainHTTP = []string{"far.example.com:5000"}
	s, _ = testSource(t, o)
	if _, err := s.Manifest(t.Context(), far); err != nil {
		t.Error(err)
	}
}

// TestProxy: the host named is judged before the proxy is asked to connect, and
// the proxy's own address is not.
func TestProxy(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Host)
		mu.Unlock()
		if r.URL.Host == "lead.example.com" {
			w.Header().Set("Location", "http://store.inside/x")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(proxy.Close)
	s, _ := testSource(t, Options{
		PlainHTTP: []string{"plain.example.com", "lead.example.com", "unknown.example.com", "metadata.example.com"},
		lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "store.inside":
				return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
			case "metadata.example.com":
				return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
			case "unknown.example.com":
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return []netip.Addr{netip.MustParseAddr("203.0.113.7")}, nil
		},
	})
	s.o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	for host, want := range map[string]fact.Cause{
		"plain.example.com": fine, "unknown.example.com": fine, "lead.example.com": fact.Blocked, "metadata.example.com": fact.Blocked,
	} {
		_, err := s.Manifest(t.Context(), ref.Ref{Name: host + "/x", Tag: "v1"})
		got := fine
		if err != nil {
			got = image.CauseOf(err)
		}
		if got != want {
			t.Errorf("%s: cause %q, want %q: %v", host, got, want, err)
		}
	}
	for _, h := range asked {
		if h == "store.inside" || h == "metadata.example.com" {
			t.Errorf("the proxy was asked for %s", h)
		}
	}
}

// TestPublicOnly: names from outside may not lead inside. NET-4.
func TestPublicOnly(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	s, _ := testSource(t, Options{PublicOnly: true})
	_, err := s.Manifest(t.Context(), p.tag)
	want := fmt.Sprintf("registries: [{host: %s, privateAddresses: true}]", p.srv.Host)
	if image.CauseOf(err) != fact.Blocked || image.HintOf(err) != want || len(p.srv.Requests()) != 0 {
		t.Errorf("%v (%s)", err, image.HintOf(err))
	}
	s, _ = testSource(t, Options{PublicOnly: true, Hosts: []Host{{Host: p.srv.Host, PrivateAddresses: true, PlainHTTP: true}}})
	if _, err := s.Manifest(t.Context(), p.tag); err != nil {
		t.Error(err)
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
