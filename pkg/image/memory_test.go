package image

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// memory is a Source that answers what a test put in, right or wrong.
type memory struct {
	mu        sync.Mutex
	manifests map[string]Answer // by tag or digest
	blobs     map[ref.Digest][]byte
	requests  []string
}

func newMemory() *memory {
	return &memory{manifests: map[string]Answer{}, blobs: map[ref.Digest][]byte{}}
}

func (m *memory) Manifest(_ context.Context, r ref.Ref) (*Answer, error) {
	key := string(r.Digest)
	if key == "" {
		key = r.Tag
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, "manifest "+key)
	a, ok := m.manifests[key]
	if !ok {
		return nil, &Error{Op: "get manifest", Object: key, Cause: fact.NotFound, Err: io.EOF}
	}
	return &a, nil
}

func (m *memory) Blob(_ context.Context, _ ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, "blob "+string(d.Digest))
	b, ok := m.blobs[d.Digest]
	if !ok {
		return nil, &Error{Op: "get blob", Object: string(d.Digest), Cause: fact.NotFound, Err: io.EOF}
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Proves() Claims {
	return Claims{Place: "registry", Tags: true, Manifest: true, Signatures: true}
}

// put stores v as a manifest under its digest and tags, and describes it.
func (m *memory) put(t *testing.T, mediaType string, v any, tags ...string) ref.Descriptor {
	t.Helper()
	b, ok := v.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	d := ref.DigestOf(b, "")
	for _, key := range append(tags, string(d)) {
		m.manifests[key] = Answer{Body: b, MediaType: mediaType}
	}
	return ref.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
}

func (m *memory) blob(b []byte, mediaType string) ref.Descriptor {
	d := ref.DigestOf(b, "")
	m.blobs[d] = b
	return ref.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
}

type object = map[string]any

// image puts an image with one layer of the given content.
func (m *memory) image(t *testing.T, os, arch, content string, tags ...string) ref.Descriptor {
	t.Helper()
	layer := m.blob([]byte(content), "application/vnd.oci.image.layer.v1.tar")
	cfg, err := json.Marshal(object{
		"os": os, "architecture": arch, "config": object{"User": "1000", "Volumes": object{"/data": object{}}},
		"rootfs":  object{"type": "layers", "diff_ids": []any{layer.Digest}},
		"history": []any{object{"created_by": "ADD file"}, object{"created_by": "USER 1000", "empty_layer": true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.put(t, TypeOCIManifest, object{
		"schemaVersion": 2, "mediaType": TypeOCIManifest,
		"config": m.blob(cfg, typeOCIConfig), "layers": []any{layer},
	}, tags...)
}

func (m *memory) index(t *testing.T, children []ref.Descriptor, tags ...string) ref.Descriptor {
	t.Helper()
	return m.put(t, TypeOCIIndex, object{"schemaVersion": 2, "mediaType": TypeOCIIndex, "manifests": children}, tags...)
}

func on(d ref.Descriptor, os, arch string) ref.Descriptor {
	d.Platform = &ref.Platform{OS: os, Architecture: arch}
	return d
}

func mustRef(t *testing.T, s string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
