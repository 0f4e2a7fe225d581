// Package registry reads images from registries that speak the OCI distribution
// protocol (Docker Hub, GHCR, ECR, Harbor, distribution and others).
//
// It has a client of its own on net/http, because a registry is not trusted:
// where a client is led (redirects, token servers, pages, addresses behind
// names), what it shows of the credentials, how long it waits and how much it
// reads is decided here. Nothing that a registry says about its content is
// believed here either; package image hashes what this one hands out.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Options say how registries are reached. The zero value reaches public and
// named registries over TLS, with the credentials that Docker, Podman and the
// cloud's own libraries find.
type Options struct {
	// PlainHTTP lists hosts (host or host:port) that are spoken to without TLS.
	PlainHTTP []string
	// AllowRedirect lists hosts to which a registry may lead although they are at
	// a loopback or private address.
	AllowRedirect []string
	// Hosts are settings for one registry each.
	Hosts []Host
	// Keychain finds credentials for hosts that have none in Hosts; nil = those of
	// [DefaultKeychain]; [Anonymous] for none.
	Keychain Keychain
	// PublicOnly refuses registries at loopback and private addresses that are not
	// listed: for references that come from outside, such as webhooks.
	PublicOnly bool
	// Offline refuses every request.
	Offline bool
	// UserAgent is sent with every request; "" = "intact".
	UserAgent string
	// Retries of a request that may be repeated; 0 = limits.Retries, negative = none.
	Retries int
	// Proxy returns the proxy for a request; nil = that of the environment
	// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy func(*http.Request) (*url.URL, error)
	// Note is told what a reader should know of although it is no error. It may be
	// called concurrently. nil = nobody.
	Note func(message string)

	// For tests: what the world is made of.
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	sleep  func(ctx context.Context, d time.Duration) error
	now    func() time.Time
	jitter func() float64
	window time.Duration // over which the minimum rate is judged
	header time.Duration // for the first byte of an answer
}

// A Host is the settings of one registry.
type Host struct {
	Host string // as in references: "registry.example.com:5000"
	// PlainHTTP speaks to it without TLS. No credential is sent then.
	PlainHTTP bool
	// CA is PEM, trusted beside the system's.
	CA []byte
	// Realms are hosts (host or host:port) of token servers outside the registry's
	// own domain.
	Realms []string
	// PrivateAddresses allows it at loopback and private addresses, also if led
	// there by another registry or named from outside.
	PrivateAddresses bool
	// Credentials are shown to it instead of those of the Keychain.
	Credentials *Credential
}

// A Source reads from registries. It implements [image.Source], [image.Prober]
// and [image.Referrer] and may be used concurrently. Requests without a deadline
// in their context get one.
type Source struct {
	o         Options
	hosts     map[string]Host
	plain     map[string]bool
	redirects map[string]bool

	mu        sync.Mutex
	endpoints map[string]*endpoint
}

var (
	_ image.Source   = (*Source)(nil)
	_ image.Prober   = (*Source)(nil)
	_ image.Referrer = (*Source)(nil)
)

// New returns a Source. It does no I/O. The error names the setting that is
// wrong.
func New(o Options) (*Source, error) {
	s := &Source{o: o, hosts: map[string]Host{}, plain: map[string]bool{}, redirects: map[string]bool{}, endpoints: map[string]*endpoint{}}
	for _, h := range o.Hosts {
		key := canonicalHost(h.Host)
		if err := checkHost(key); err != nil {
			return nil, fmt.Errorf("registry settings: host %q: %w", h.Host, err)
		}
		if _, twice := s.hosts[key]; twice {
			return nil, fmt.Errorf("registry settings: host %q is given twice", h.Host)
		}
		for _, r := range h.Realms {
			if err := checkHost(r); err != nil {
				return nil, fmt.Errorf("registry settings: host %q: realm %q: %w", h.Host, r, err)
			}
		}
		if _, err := certPool(h.CA); err != nil {
			return nil, fmt.Errorf("registry settings: host %q: %w", h.Host, err)
		}
		s.hosts[key] = h
		s.plain[key] = s.plain[key] || h.PlainHTTP
	}
	for set, list := range map[*map[string]bool][]string{&s.plain: o.PlainHTTP, &s.redirects: o.AllowRedirect} {
		for _, h := range list {
			if err := checkHost(canonicalHost(h)); err != nil {
				return nil, fmt.Errorf("registry settings: host %q: %w", h, err)
			}
			(*set)[canonicalHost(h)] = true
		}
	}
	s.fill()
	return s, nil
}

func (s *Source) fill() {
	o := &s.o
	if o.UserAgent == "" {
		o.UserAgent = "intact"
	}
	switch {
	case o.Retries == 0:
		o.Retries = limits.Retries
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	if o.jitter == nil {
		o.jitter = rand.Float64
	}
	if o.window == 0 {
		o.window = limits.IdleBody
	}
	if o.header == 0 {
		o.header = limits.RequestHeader
	}
	if o.Keychain == nil {
		o.Keychain = DefaultKeychain()
	}
}

// Proves says that manifests come as they were pushed, under tags that move, and
// that signatures can be beside them.
func (*Source) Proves() image.Claims {
	return image.Claims{Place: "registry", Tags: true, Manifest: true, Signatures: true}
}

// Close closes idle connections. The Source can still be used.
func (s *Source) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		e.transport.CloseIdleConnections()
	}
}

// endpoint returns the registry of r, or why it is not asked.
func (s *Source) endpoint(r ref.Ref) (*endpoint, error) {
	if s.o.Offline {
		return nil, &image.Error{Cause: fact.Blocked, Err: errors.New("not asked because of --offline"), Hint: "run without --offline"}
	}
	host := canonicalHost(r.Registry())
	if host == "" || r.Repository() == "" {
		return nil, &image.Error{Cause: fact.Internal, Err: errors.New("the reference names no repository")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.endpoints[host]; e != nil {
		return e, nil
	}
	e, err := s.newEndpoint(host)
	if err != nil {
		return nil, &image.Error{Cause: fact.Internal, Err: err}
	}
	s.endpoints[host] = e
	return e, nil
}

// canonicalHost lowers a host and undoes Docker Hub's other name.
func canonicalHost(h string) string {
	h = strings.ToLower(strings.TrimSpace(h))
	if h == "index.docker.io" {
		return "docker.io"
	}
	return h
}

func checkHost(h string) error {
	if h == "" {
		return errors.New("it is empty")
	}
	if strings.ContainsAny(h, "/@?#\\ ") {
		return errors.New("it must be a host or host:port, without scheme and path")
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
