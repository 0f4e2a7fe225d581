package scantest

import (
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Registry is an honest one in this process, for tests of the command that are
// no scripts.
type Registry struct {
	Host string

	t      *testing.T
	server *testregistry.Server
}

// NewRegistry starts one that ends with t.
func NewRegistry(t *testing.T) *Registry {
	t.Helper()
	s := testregistry.New(t, testregistry.Options{})
	return &Registry{Host: s.Host, t: t, server: s}
}

// Push stores an image whose program has that content, and returns its digest.
func (r *Registry) Push(repository, tag, content string) ref.Digest {
	r.t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{
		Config: testimage.Config{Entrypoint: []string{"/bin/app"}},
		Layers: []testimage.Layer{{Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: content}}}},
	}}})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range b.Blobs {
		if _, err := r.server.PutBlob(repository, o.Body); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, err := r.server.PutManifest(repository, tag, b.Root.Descriptor.MediaType, b.Root.Body); err != nil {
		r.t.Fatal(err)
	}
	return b.Root.Descriptor.Digest
}
