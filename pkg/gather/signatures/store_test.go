package signatures_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
)

// A store is a repository in memory.
type store struct {
	mu        sync.Mutex
	manifests map[string][]byte // by tag and digest
	blobs     map[ref.Digest][]byte
	referrers []ref.Descriptor
	form      string
	fail      map[string]error // by tag, digest or "referrers"
	asked     []string
}

func newStore() *store {
	return &store{manifests: map[string][]byte{}, blobs: map[ref.Digest][]byte{}, fail: map[string]error{}, form: fact.FormReferrers}
}

func (s *store) ask(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what)
	return s.fail[what]
}

func (s *store) Manifest(_ context.Context, r ref.Ref) (*image.Answer, error) {
	name := string(r.Digest)
	if name == "" {
		name = r.Tag
	}
	if err := s.ask(name); err != nil {
		return nil, err
	}
	b, ok := s.manifests[name]
	if !ok {
		return nil, &image.Error{Op: "get manifest", Cause: fact.NotFound, Err: errors.New("404")}
	}
	return &image.Answer{Body: b, MediaType: typeManifest}, nil
}

func (s *store) Blob(_ context.Context, _ ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	if err := s.ask(string(d.Digest)); err != nil {
		return nil, err
	}
	b, ok := s.blobs[d.Digest]
	if !ok {
		return nil, &image.Error{Op: "get blob", Cause: fact.NotFound, Err: errors.New("404")}
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (s *store) Proves() image.Claims {
	return image.Claims{Place: "registry", Tags: true, Manifest: true, Signatures: true}
}

func (s *store) Referrers(_ context.Context, _ ref.Ref, _ ref.Digest) ([]ref.Descriptor, string, error) {
	if err := s.ask("referrers"); err != nil {
		return nil, "", err
	}
	return s.referrers, s.form, nil
}

// artifact is what a manifest holds.
type artifact struct {
	tag          string // "" = a referrer
	artifactType string
	listedAs     string // "" = artifactType
	subject      ref.Digest
	annotations  map[string]string
	layers       []testtrust.Layer
}

func (s *store) push(t *testing.T, a artifact) ref.Digest {
	t.Helper()
	layers := []any{}
	for _, l := range a.layers {
		d := ref.DigestOf(l.Bytes, "")
		s.blobs[d] = l.Bytes
		layers = append(layers, map[string]any{"mediaType": l.MediaType, "digest": d, "size": len(l.Bytes), "annotations": l.Annotations})
	}
	m := map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "layers": layers,
		"config": map[string]any{"mediaType": "application/vnd.oci.empty.v1+json", "digest": ref.DigestOf([]byte("{}"), ""), "size": 2},
	}
	if a.artifactType != "" {
		m["artifactType"] = a.artifactType
	}
	if a.annotations != nil {
		m["annotations"] = a.annotations
	}
	if a.tag == "" {
		if a.subject == "" {
			a.subject = subject.Digest
		}
		m["subject"] = map[string]any{"mediaType": typeManifest, "digest": a.subject, "size": len(manifest)}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	d := ref.DigestOf(b, "")
	s.manifests[string(d)] = b
	if a.tag != "" {
		s.manifests[a.tag] = b
		return d
	}
	if a.listedAs == "" {
		a.listedAs = a.artifactType
	}
	s.referrers = append(s.referrers, ref.Descriptor{MediaType: typeManifest, Digest: d, Size: int64(len(b)), ArtifactType: a.listedAs})
	return d
}
