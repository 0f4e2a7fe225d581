package registry

import (
	"context"
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

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

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
