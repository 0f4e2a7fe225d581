// Package testregistry is a registry for tests, in the process of the test:
// honest, or hostile in one of many named ways. Tests of sources, of the engine
// and of the command line share it, so that each lie is told the same way
// everywhere.
package testregistry

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// A Server is a registry on a loopback port. It may be used concurrently.
type Server struct {
	// Host is its host:port, as in references.
	Host string
	// Elsewhere is the host:port of a second listener: where redirects, token
	// servers and pages lead in the modes that lead away. What it is asked is
	// recorded under the Kind "elsewhere"; it answers blobs as a content network
	// does and everything else with 404.
	Elsewhere string

	honest http.Handler
	main   *httptest.Server
	away   *httptest.Server
	secure bool

	mu       sync.Mutex
	modes    map[string]string // by repository; "" = all others
	seen     map[string]int    // times a mode's counter was used
	kept     map[string]string // what a mode remembers
	requests []Request
	auth     *Auth
	tokens   int
}

// Options say what kind of registry it is. The zero value is an honest one over
// plain HTTP with the referrers API and without authentication.
type Options struct {
	TLS         bool
	NoReferrers bool // as registries before OCI 1.1: 404 for the API
	Auth        *Auth
}

// Auth is what the registry asks for.
type Auth struct {
	Username, Password string
	Bearer             bool   // by tokens of its own token server at /token; else Basic
	Realm              string // "" = its own
	Anonymous          bool   // the token server gives tokens to anybody
	ExpiresIn          int    // seconds, as the token server says; 0 = not said
}

// New starts a registry that is stopped when the test ends.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := Start(o)
	t.Cleanup(s.Close)
	return s
}

// Start starts a registry. Close stops it.
func Start(o Options) *Server {
	s := &Server{
		honest: registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(!o.NoReferrers)),
		modes:  map[string]string{},
		seen:   map[string]int{},
		kept:   map[string]string{},
		auth:   o.Auth,
		secure: o.TLS,
	}
	s.main = serve(http.HandlerFunc(s.serve), o.TLS)
	s.away = serve(http.HandlerFunc(s.serveAway), o.TLS)
	s.Host = s.main.Listener.Addr().String()
	s.Elsewhere = s.away.Listener.Addr().String()
	return s
}

func serve(h http.Handler, secure bool) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		srv.EnableHTTP2 = true
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		srv.StartTLS()
	} else {
		srv.Start()
	}
	return srv
}

// Close stops the registry and ends the answers under way.
func (s *Server) Close() {
	for _, srv := range []*httptest.Server{s.main, s.away} {
		srv.CloseClientConnections()
		srv.Close()
	}
}

// CA returns the certificate of a registry with TLS, in PEM.
func (s *Server) CA() []byte { return pemOf(s.main.Certificate()) }

// URL returns the address of path at the registry.
func (s *Server) URL(path string) string { return s.scheme() + "://" + s.Host + path }

func (s *Server) scheme() string {
	if s.secure {
		return "https"
	}
	return "http"
}

// SetMode makes the registry behave as mode says for repo; "" is every
// repository without a mode of its own. The mode's counters start anew.
func (s *Server) SetMode(repo, mode string) error {
	if _, ok := behaviours[mode]; !ok {
		return fmt.Errorf("set mode of the test registry: %q is not one of %s", mode, strings.Join(Modes(), ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes[repo] = mode
	s.seen, s.kept = map[string]int{}, map[string]string{}
	return nil
}

// MustMode is SetMode for tests.
func (s *Server) MustMode(t testing.TB, repo, mode string) {
	t.Helper()
	if err := s.SetMode(repo, mode); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) mode(repo string) behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.modes[repo]
	if !ok {
		m = s.modes[""]
	}
	return behaviours[m]
}

// times counts calls under key, starting with 1.
func (s *Server) times(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[key]++
	return s.seen[key]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q := s.record(r, false)
	if q.Kind == Token {
		s.serveToken(w, r)
		return
	}
	if !s.admit(w, r) {
		return
	}
	b := s.mode(q.Repo)
	if b == nil {
		s.honest.ServeHTTP(w, r)
		return
	}
	b(&exchange{s: s, w: w, r: r, Request: q})
}

// serveAway is the second listener.
func (s *Server) serveAway(w http.ResponseWriter, r *http.Request) {
	s.record(r, true)
	if strings.Contains(r.URL.Path, "/blobs/") {
		s.honest.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}
