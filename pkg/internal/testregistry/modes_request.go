package testregistry

import (
	"bytes"
	"net"
	"net/http"
	"strings"
)

// requestModes answer by what a request has beside its method and path.
func requestModes() []modeSpec {
	return []modeSpec{
		{"by-accept", "a tag is another image to who does not accept an OCI index", func(x *exchange) {
			x.otherIf(x.tag() && !strings.Contains(x.Header.Get("Accept"), indexType))
		}},
		{"by-agent", "a tag is another image to every client that is not intact", func(x *exchange) {
			x.otherIf(x.tag() && !strings.HasPrefix(x.Header.Get("User-Agent"), "intact"))
		}},
		{"by-range", "content is another to who asks for a range of it", func(x *exchange) {
			x.otherIf(x.content() && x.Header.Get("Range") != "")
		}},
		{"by-port", "content is another to every port but the first that asks for it, and every connection is closed", func(x *exchange) {
			if !x.content() {
				x.pass()
				return
			}
			_, port, _ := net.SplitHostPort(x.r.RemoteAddr)
			x.w.Header().Set("Connection", "close")
			x.otherIf(x.s.first("port "+x.r.URL.Path, port) != port)
		}},
	}
}

// tag reports a tag that is not that of signatures.
func (x *exchange) tag() bool {
	return x.Kind == ManifestTag && !strings.HasPrefix(x.Reference, "sha256-")
}

// otherIf answers with other bytes: for a tag those of another, intact manifest.
func (x *exchange) otherIf(yes bool) {
	w := x.honest()
	switch {
	case !yes || w.Code != http.StatusOK:
		x.pass()
	case x.Kind == ManifestTag:
		body := append(bytes.Clone(w.Body.Bytes()), ' ')
		w.Header().Set("Docker-Content-Digest", digestOf(body))
		x.answer(w, body)
	default:
		x.wrong()
	}
}

// first returns the value with which it was first called for key.
func (s *Server) first(key, value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.kept[key]; !ok {
		s.kept[key] = value
	}
	return s.kept[key]
}
