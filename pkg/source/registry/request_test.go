package registry

import (
	"io"
	"net/http"
	"testing"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// TestAnswersThatDependOnTheRequest: a registry can tell our requests from those
// of other clients, but not one of ours from another of ours by its headers: what
// is told about a tag and what is fetched of it are one thing. Where it tells them
// by the port they come from, the second answer about a tag is another, and other
// bytes under a digest are found by their hash. REG-7.
func TestAnswersThatDependOnTheRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  string
		again bool // the second answer is as the first
	}{{"by-accept", true}, {"by-agent", true}, {"by-range", true}, {"by-port", false}} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{})
			p.srv.MustMode(t, repo, tt.mode)
			s, _ := testSource(t, Options{PlainHTTP: []string{p.srv.Host}})
			a, err := s.Manifest(t.Context(), p.tag)
			if err != nil {
				t.Fatal(err)
			}
			if got := ref.DigestOf(a.Body, ""); got != p.digest || a.DigestClaim != p.digest {
				t.Errorf("the deciding answer hashes to %s, claim %s, want %s", got, a.DigestClaim, p.digest)
			}
			h, err := s.Head(t.Context(), p.tag)
			if err != nil || h.DigestClaim == "" || (h.DigestClaim == p.digest) != tt.again {
				t.Errorf("the closing answer: %+v, %v", h, err)
			}
			for n := range 2 {
				f, err := image.FetchManifest(t.Context(), s, p.pinned, ref.Descriptor{Digest: p.digest})
				if err != nil || f.Right() != (n == 0 || tt.again) {
					t.Errorf("by digest, time %d: %+v, %v", n+1, f, err)
				}
				_, got, err := image.FetchBlob(t.Context(), s, p.pinned, p.layer(t), 1<<20, "layer")
				if err != nil || (got == p.layer(t).Digest) != (n == 0 || tt.again) {
					t.Errorf("layer, time %d: %s, %v", n+1, got, err)
				}
			}
			first := p.srv.Requests()[0].Header
			for _, q := range p.srv.Requests() {
				if q.Header.Get("User-Agent") != first.Get("User-Agent") || q.Header.Get("Range") != "" || q.Header.Get("If-None-Match") != "" {
					t.Errorf("%s %s: %v", q.Method, q.Path, q.Header)
				}
				if q.Kind != testregistry.Blob && q.Header.Get("Accept") != acceptManifest {
					t.Errorf("%s %s accepts %q", q.Method, q.Path, q.Header.Get("Accept"))
				}
			}
			if got := otherClient(t, p, tt.mode); got == p.digest {
				t.Error("another client is told the same")
			}
		})
	}
}

// otherClient is what the tag is to a client that asks otherwise; of content that
// depends on a range, the layer.
func otherClient(t *testing.T, p pushed, mode string) ref.Digest {
	t.Helper()
	path := "/v2/" + repo + "/manifests/v1"
	if mode == "by-range" {
		path = "/v2/" + repo + "/blobs/" + string(p.layer(t).Digest)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.srv.URL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := ref.DigestOf(b, ""); got != p.layer(t).Digest {
		return got
	}
	return p.digest // the truth
}
