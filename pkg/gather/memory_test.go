package gather_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// memory is a source that answers what a test put in. A question in fails is
// answered with that error as often as it says.
type memory struct {
	mu        sync.Mutex
	manifests map[string]image.Answer // by tag or digest
	blobs     map[ref.Digest][]byte
	fails     map[string][]error // "blob sha256:…", "head 1.0.0", one per question
	headClaim bool
	local     bool
	asked     []string
	block     chan struct{} // if set, blobs are not answered before it is closed
}

func newMemory() *memory {
	return &memory{manifests: map[string]image.Answer{}, blobs: map[ref.Digest][]byte{}, fails: map[string][]error{}, headClaim: true}
}

func (m *memory) add(b *testimage.Built, tags ...string) {
	for _, o := range b.Blobs {
		m.blobs[o.Descriptor.Digest] = o.Body
	}
	for _, o := range b.Manifests {
		m.manifests[string(o.Descriptor.Digest)] = image.Answer{Body: o.Body, MediaType: o.Descriptor.MediaType}
	}
	for _, tag := range tags {
		m.manifests[tag] = image.Answer{Body: b.Root.Body, MediaType: b.Root.Descriptor.MediaType}
	}
}

// question records what is asked and returns the error that it is to end in.
func (m *memory) question(q string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, q)
	if errs := m.fails[q]; len(errs) > 0 {
		m.fails[q] = errs[1:]
		return errs[0]
	}
	return nil
}

func key(r ref.Ref) string {
	if r.Digest != "" {
		return string(r.Digest)
	}
	return r.Tag
}

func notFound(what string) error {
	return &image.Error{Op: "get", Object: what, Cause: fact.NotFound, Err: io.EOF}
}

func (m *memory) Manifest(_ context.Context, r ref.Ref) (*image.Answer, error) {
	if err := m.question("manifest " + key(r)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.manifests[key(r)]
	if !ok {
		return nil, notFound("manifest " + key(r))
	}
	return &a, nil
}

func (m *memory) Blob(ctx context.Context, _ ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	err := m.question("blob " + string(d.Digest))
	if m.block != nil {
		select {
		case <-m.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[d.Digest]
	switch {
	case err != nil && image.CauseOf(err) == fact.CutShort:
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), broken{err})), nil
	case err != nil:
		return nil, err
	case !ok:
		return nil, notFound("blob " + string(d.Digest))
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func (m *memory) Proves() image.Claims {
	return image.Claims{Place: "registry", Tags: !m.local, Manifest: true, Signatures: true}
}

func (m *memory) Head(_ context.Context, r ref.Ref) (*image.Answer, error) {
	if err := m.question("head " + key(r)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.manifests[key(r)]
	if !ok {
		return nil, notFound("manifest " + key(r))
	}
	out := image.Answer{MediaType: a.MediaType}
	if m.headClaim {
		out.DigestClaim = ref.DigestOf(a.Body, "")
	}
	return &out, nil
}

func (m *memory) HasBlob(_ context.Context, _ ref.Ref, d ref.Descriptor) (bool, error) {
	if err := m.question("has " + string(d.Digest)); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.blobs[d.Digest]
	return ok, nil
}

// forget returns what was asked since the last time.
func (m *memory) forget() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.asked
	m.asked = nil
	return out
}

var now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func build(t *testing.T, s testimage.Spec) *testimage.Built {
	t.Helper()
	b, err := testimage.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// app is an image of two layers whose second has the given content.
func app(platform, content string) testimage.Image {
	return testimage.Image{
		Platform: platform, Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}},
		Layers: []testimage.Layer{
			{CreatedBy: "COPY base", Files: []testimage.File{{Path: "etc/passwd", Content: "root:x:0:0::/:/bin/sh\n"}}},
			{CreatedBy: "COPY app", Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: content}}},
		},
	}
}

func parse(t *testing.T, s string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var amd64 = image.Selection{Host: ref.Platform{OS: "linux", Architecture: "amd64"}}

func open(t *testing.T, m *memory, reference string, o image.Options) *image.Image {
	t.Helper()
	img, err := image.Open(t.Context(), m, parse(t, reference), o)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// cacheIn opens a cache in dir, whose key lies beside it.
func cacheIn(t *testing.T, dir string) *gather.ContentCache {
	t.Helper()
	c, err := gather.OpenCache(filepath.Join(dir, "cache"), filepath.Join(dir, "key"), func(s string) { t.Error(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
