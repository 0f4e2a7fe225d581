package registry

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	repo      = "team/app"
	canaryKey = "canary-password"
)

// testSource returns a Source that waits for nothing and asks the user's machine
// for nothing. What it would have slept is in the returned function's answer.
func testSource(t *testing.T, o Options) (*Source, *naps) {
	t.Helper()
	n := &naps{}
	if o.Keychain == nil {
		o.Keychain = Anonymous{}
	}
	if o.sleep == nil {
		o.sleep = n.sleep
	}
	o.jitter = func() float64 { return 0.5 }
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, n
}

type naps struct {
	mu  sync.Mutex
	all []time.Duration
}

func (n *naps) sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, d)
	return ctx.Err()
}

func (n *naps) list() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all
}

// pushed is one image in a test registry.
type pushed struct {
	srv    *testregistry.Server
	img    v1.Image
	digest ref.Digest
	tag    ref.Ref // by tag
	pinned ref.Ref // by digest
}

func push(t *testing.T, o testregistry.Options) pushed {
	t.Helper()
	srv := testregistry.New(t, o)
	img, err := random.Image(4096, 2)
	if err != nil {
		t.Fatal(err)
	}
	d, err := srv.PushImage(repo, "v1", img)
	if err != nil {
		t.Fatal(err)
	}
	p := pushed{srv: srv, img: img, digest: ref.Digest(d), tag: ref.Ref{Name: srv.Host + "/" + repo, Tag: "v1"}}
	p.pinned = p.tag.WithDigest(p.digest)
	return p
}

func (p pushed) layer(t *testing.T) ref.Descriptor {
	t.Helper()
	m, err := p.img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	l := m.Layers[0]
	return ref.Descriptor{Digest: ref.Digest(l.Digest.String()), Size: l.Size}
}

func TestOneGetPerTag(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	s, _ := testSource(t, Options{})
	a, err := s.Manifest(t.Context(), p.tag)
	if err != nil {
		t.Fatal(err)
	}
	if got := ref.DigestOf(a.Body, ""); got != p.digest || a.DigestClaim != p.digest {
		t.Errorf("body hashes to %s, claim %s, want %s", got, a.DigestClaim, p.digest)
	}
	if n := len(p.srv.Requests()); n != 1 {
		t.Errorf("%d requests, want 1: %v", n, p.srv.Requests())
	}
	h, err := s.Head(t.Context(), p.tag)
	if err != nil || h.DigestClaim != p.digest || h.Body != nil {
		t.Errorf("head: %+v, %v", h, err)
	}
	b, err := s.Blob(t.Context(), p.tag, p.layer(t))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(b)
	if err != nil || ref.DigestOf(body, "") != p.layer(t).Digest {
		t.Errorf("blob: %d bytes, %v", len(body), err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	for _, d := range []ref.Descriptor{p.layer(t), {Digest: ref.DigestOf([]byte("absent"), "")}} {
		has, err := s.HasBlob(t.Context(), p.tag, d)
		if want := d.Size > 0; err != nil || has != want {
			t.Errorf("has blob %s: %v, %v", d.Digest, has, err)
		}
	}
	if n := p.srv.Count(http.MethodGet, testregistry.ManifestTag); n != 1 {
		t.Errorf("%d GETs of the tag, want 1", n)
	}
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
