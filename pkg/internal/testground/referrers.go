package testground

import (
	"io"
	"log"
	"net/http/httptest"

	"github.com/google/go-containerregistry/pkg/registry"
)

// ReferrersRegistry is an in-process registry that has the OCI 1.1 referrers
// API, which Debian's docker-registry lacks.
type ReferrersRegistry struct {
	Addr   string // host:port
	server *httptest.Server
}

// StartReferrersRegistry starts one on loopback; it lives until Close.
func StartReferrersRegistry() *ReferrersRegistry {
	s := httptest.NewServer(registry.New(
		registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	return &ReferrersRegistry{Addr: s.Listener.Addr().String(), server: s}
}

// Close stops the registry and forgets its content.
func (r *ReferrersRegistry) Close() { r.server.Close() }

// Ref is the reference of name here.
func (r *ReferrersRegistry) Ref(name string) string { return r.Addr + "/" + name }
