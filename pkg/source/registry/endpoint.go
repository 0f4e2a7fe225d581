package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/netguard"
)

// perHost is how many requests to one registry are under way at a time; more is
// taken for abuse by some of them.
const perHost = 8

// connections is how many one request may make. Over HTTP/2 the library makes
// another as often as it is told that the last one is going away; two are in use,
// when one that was kept turns out to be closed.
const connections = 4

// An endpoint is one registry with all that belongs to it alone: connections,
// trusted certificates, credentials, tokens. Nothing of it is shared with
// another registry, so nothing can leak from one to another.
type endpoint struct {
	s         *Source
	host      string // as in references, canonical
	address   string // host[:port] that is connected to
	settings  Host
	guard     *netguard.Guard
	transport *http.Transport
	slots     chan struct{}
	silence   silence
	auth      authState
	secrets   secrets
	plain     atomic.Bool // TLS was tried in vain at a loopback address
	secure    atomic.Bool // TLS has worked, so plain HTTP is not tried any more

	quotaMu sync.Mutex
	quota   Quota
}

func (s *Source) newEndpoint(host string) (*endpoint, error) {
	e := &endpoint{s: s, host: host, address: host, settings: s.hosts[host], slots: make(chan struct{}, perHost)}
	if host == "docker.io" {
		e.address = "registry-1.docker.io" // the name in references is not where the registry is
	}
	pool, err := certPool(e.settings.CA)
	if err != nil {
		return nil, err
	}
	e.guard = &netguard.Guard{
		Rules:  netguard.Rules{Home: hostOnly(e.address), Listed: s.listed, PublicOnly: s.o.PublicOnly},
		Lookup: s.o.lookup,
		Dial:   s.o.dial,
	}
	e.transport = &http.Transport{
		Proxy:                  proxyOf,
		DialContext:            bounded(e.guard.DialContext),
		TLSClientConfig:        &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    s.o.header,
		ResponseHeaderTimeout:  s.o.header,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConnsPerHost:    perHost,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true, // what is hashed is what was sent
	}
	e.auth.scopes = map[access]*scope{}
	if c := e.settings.Credentials; c != nil {
		e.secrets.addCredential(*c)
	}
	return e, nil
}

// listed reports hosts that the user allowed at inner addresses.
func (s *Source) listed(host string) bool {
	if s.redirects[strings.ToLower(host)] {
		return true
	}
	for h := range s.redirects {
		if hostOnly(h) == strings.ToLower(host) {
			return true
		}
	}
	for h, settings := range s.hosts {
		if settings.PrivateAddresses && hostOnly(h) == strings.ToLower(host) {
			return true
		}
	}
	return false
}

type dialedKey struct{}

// withDials counts from zero what is dialed for a request.
func withDials(ctx context.Context) context.Context {
	return context.WithValue(ctx, dialedKey{}, new(atomic.Int64))
}

// bounded refuses to dial for one request again and again.
func bounded(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if n, ok := ctx.Value(dialedKey{}).(*atomic.Int64); ok && n.Add(1) > connections {
			return nil, &limits.ExceededError{What: "number of connections for one request", Limit: connections}
		}
		return dial(ctx, network, address)
	}
}

type proxyKey struct{}

// proxyOf hands the transport the proxy that was chosen, and its target checked,
// before the request was given to it.
func proxyOf(r *http.Request) (*url.URL, error) {
	u, _ := r.Context().Value(proxyKey{}).(*url.URL)
	return u, nil
}

// throughProxy prepares ctx for a request for u: if a proxy is to carry it, the
// named host is checked here, because the proxy will connect to it out of our
// sight, and the connection to the proxy itself is exempt.
func (e *endpoint) throughProxy(ctx context.Context, u *url.URL) (context.Context, bool, error) {
	proxy, err := e.s.o.Proxy(&http.Request{URL: u})
	if err != nil || proxy == nil {
		return ctx, false, err
	}
	if password, ok := proxy.User.Password(); ok {
		e.secrets.addCredential(Credential{Username: proxy.User.Username(), Password: password})
	}
	_, err = e.guard.Check(ctx, u.Hostname())
	var unresolved *net.DNSError
	if errors.As(err, &unresolved) && (u.Host == e.address || e.s.listed(u.Hostname())) {
		err = nil // only the proxy knows the name, and it is one that the user gave
	}
	if err != nil {
		return ctx, true, err
	}
	return netguard.Exempt(context.WithValue(ctx, proxyKey{}, proxy)), true, nil
}

// loopback reports whether the registry is on this machine and asked directly.
func (e *endpoint) loopback() bool { return e.guard.HomeIs(netguard.Loopback) }

// plainHTTP reports whether host (host[:port]) is spoken to without TLS by the
// user's wish.
func (s *Source) plainHTTP(host string) bool { return s.plain[canonicalHost(host)] }

// base returns the URL of a path below /v2/ of the registry.
func (e *endpoint) base(path string) *url.URL {
	u := &url.URL{Scheme: "https", Host: e.address, Path: "/v2/" + path}
	if e.s.plainHTTP(e.host) || e.plain.Load() {
		u.Scheme = "http"
	}
	return u
}

// acquire waits for one of the slots of the registry.
func (e *endpoint) acquire(ctx context.Context) (release func(), err error) {
	select {
	case e.slots <- struct{}{}:
		var once sync.Once
		return func() { once.Do(func() { <-e.slots }) }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func certPool(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil // the system's
	}
	if len(pem) > limits.Config {
		return nil, &limits.ExceededError{What: "size of the CA file", Limit: limits.Config, Got: int64(len(pem))}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca holds no certificate in PEM form")
	}
	return pool, nil
}

// hostOnly returns host:port without the port, and an IPv6 literal without its
// brackets.
func hostOnly(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.ToLower(u.Hostname())
}
