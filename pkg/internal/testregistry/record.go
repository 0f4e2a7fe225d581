package testregistry

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
)

// Kinds of requests.
const (
	Ping           = "ping"
	ManifestTag    = "manifest-tag"
	ManifestDigest = "manifest-digest"
	Blob           = "blob"
	Referrers      = "referrers"
	Token          = "token"
	Elsewhere      = "elsewhere" // anything at the second listener
	Other          = "other"
)

// A Request is one that the registry received.
type Request struct {
	Method, Kind, Repo string
	Reference          string // tag or digest
	Path               string
	Query              string
	Header             http.Header
}

// Authorization returns what was shown.
func (r Request) Authorization() string { return r.Header.Get("Authorization") }

func (s *Server) record(r *http.Request, away bool) Request {
	q := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
	q.Kind, q.Repo, q.Reference = classify(r.URL.Path)
	if away {
		q.Kind = Elsewhere
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, q)
	return q
}

func classify(path string) (kind, repo, reference string) {
	rest, ok := strings.CutPrefix(path, "/v2/")
	switch {
	case path == "/token":
		return Token, "", ""
	case path == "/v2" || ok && rest == "":
		return Ping, "", ""
	case !ok:
		return Other, "", ""
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 {
		return Other, "", ""
	}
	n := len(parts)
	repo, reference = strings.Join(parts[:n-2], "/"), parts[n-1]
	switch parts[n-2] {
	case "blobs":
		return Blob, repo, reference
	case "referrers":
		return Referrers, repo, reference
	case "manifests":
		if strings.Contains(reference, ":") {
			return ManifestDigest, repo, reference
		}
		return ManifestTag, repo, reference
	}
	return Other, repo, reference
}

// Requests returns what was received so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count returns how many requests of kind were received with method ("" = any).
func (s *Server) Count(method, kind string) int {
	n := 0
	for _, q := range s.Requests() {
		if q.Kind == kind && (method == "" || q.Method == method) {
			n++
		}
	}
	return n
}

// Forget empties the record.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func pemOf(c *x509.Certificate) []byte {
	if c == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
