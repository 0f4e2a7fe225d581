// Package sourcetest is the conformance suite of image sources. Every source
// passes it:
//
//	sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
//		return open(t, c) // a source that holds exactly c
//	})
//
// It is about handing bytes out as they are. That they are right is proved in
// package image, in front of every source.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// Repository is where the images of the suite are. A source with repositories
// of its own may use another, and then returns it from [Contents.Name].
const Repository = "registry.example/acme/app"

// Contents is what a source under test holds: for each digest the bytes stored
// under it, which may be wrong.
type Contents struct {
	Tags      map[string]testimage.Object
	Manifests map[ref.Digest]testimage.Object
	Blobs     map[ref.Digest]testimage.Object
	// Name is the repository in which the suite asks; a Factory may change it.
	Name string
}

// A Factory opens a source that holds c. What it opens it closes in t.Cleanup.
type Factory func(t *testing.T, c *Contents) image.Source

// Run runs the suite. A subtest skips what the source does not claim.
func Run(t *testing.T, open Factory) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"resolves_a_tag", tagTest},
		{"resolves_a_digest", digestTest},
		{"every_blob_whole", blobTest},
		{"says_what_is_missing", missingTest},
		{"hands_wrong_bytes_through", wrongTest},
		{"hands_truncated_bytes_through", truncatedTest},
		{"refuses_an_oversize_manifest", oversizeTest},
		{"refuses_an_unusable_digest", unusableTest},
		{"ends_with_its_context", contextTest},
		{"may_be_used_concurrently", concurrentTest},
		{"probes_without_reading", probeTest},
		{"lists_referrers", referrersTest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &suite{image: build(t), open: open}
			s.contents = s.image.contents()
			tt.run(t, s)
		})
	}
}

type suite struct {
	image    fixture
	contents *Contents
	open     Factory
	src      image.Source
}

// start opens the source; a test changes the contents before.
func (s *suite) start(t *testing.T) {
	t.Helper()
	s.src = s.open(t, s.contents)
}

func (s *suite) tag(tag string) ref.Ref      { return ref.Ref{Name: s.contents.Name, Tag: tag} }
func (s *suite) digest(d ref.Digest) ref.Ref { return ref.Ref{Name: s.contents.Name, Digest: d} }
func (s *suite) root() testimage.Object      { return s.image.built.Root }
func (s *suite) someLayer() testimage.Object { return s.image.built.Images[0].Layers[0] }
func (s *suite) child() testimage.Object     { return s.image.built.Images[1].Manifest }
func (s *suite) replace(d ref.Digest, b []byte) {
	for _, m := range []map[ref.Digest]testimage.Object{s.contents.Manifests, s.contents.Blobs} {
		if o, ok := m[d]; ok {
			o.Body = b
			m[d] = o
		}
	}
}

func (s *suite) blob(t *testing.T, d ref.Descriptor) ([]byte, error) {
	t.Helper()
	rc, err := s.src.Blob(t.Context(), s.digest(s.root().Descriptor.Digest), d)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(rc)
	if cerr := rc.Close(); cerr != nil {
		t.Errorf("close blob %s: %v", d.Digest, cerr)
	}
	return b, err
}

func tagTest(t *testing.T, s *suite) {
	s.start(t)
	a, err := s.src.Manifest(t.Context(), s.tag("1.4.2"))
	if err != nil {
		t.Fatal(err)
	}
	want := s.root()
	if !bytes.Equal(a.Body, want.Body) {
		t.Errorf("got other bytes than were stored: %q", a.Body)
	}
	if a.MediaType != want.Descriptor.MediaType {
		t.Errorf("media type %q, want %q", a.MediaType, want.Descriptor.MediaType)
	}
	if a.DigestClaim != "" && a.DigestClaim != want.Descriptor.Digest {
		t.Errorf("digest claim %q, want %q or none", a.DigestClaim, want.Descriptor.Digest)
	}
}

func digestTest(t *testing.T, s *suite) {
	s.start(t)
	for _, want := range s.image.built.Manifests {
		a, err := s.src.Manifest(t.Context(), s.digest(want.Descriptor.Digest))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Body, want.Body) {
			t.Errorf("%s: got other bytes than were stored", want.Descriptor.Digest)
		}
	}
	both := s.tag("1.4.2")
	both.Digest = s.child().Descriptor.Digest
	a, err := s.src.Manifest(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Body, s.child().Body) {
		t.Error("with a tag and a digest, the tag was followed; the digest decides")
	}
}

func blobTest(t *testing.T, s *suite) {
	s.start(t)
	for _, want := range s.image.built.Blobs {
		got, err := s.blob(t, want.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Body) {
			t.Errorf("%s: got %d other bytes than were stored", want.Descriptor.Digest, len(got))
		}
	}
}

func missingTest(t *testing.T, s *suite) {
	s.start(t)
	nowhere := ref.DigestOf([]byte("nowhere"), "")
	for _, r := range []ref.Ref{s.tag("nowhere"), s.digest(nowhere)} {
		_, err := s.src.Manifest(t.Context(), r)
		wantCause(t, "manifest "+r.String(), err, fact.NotFound)
	}
	_, err := s.blob(t, ref.Descriptor{Digest: nowhere, Size: 7})
	wantCause(t, "blob", err, fact.NotFound)
}

func wrongTest(t *testing.T, s *suite) {
	wrong := []byte(`{"schemaVersion":2,"layers":[]}`)
	layer, child := s.someLayer().Descriptor, s.child().Descriptor
	s.replace(layer.Digest, wrong)
	s.replace(child.Digest, wrong)
	s.start(t)
	a, err := s.src.Manifest(t.Context(), s.digest(child.Digest))
	if err != nil {
		t.Fatalf("manifest: %v", err)
	}
	if !bytes.Equal(a.Body, wrong) {
		t.Errorf("manifest: got %q, want what is stored", a.Body)
	}
	got, err := s.blob(t, layer)
	if err != nil {
		t.Fatalf("blob: %v", err)
	}
	if !bytes.Equal(got, wrong) {
		t.Errorf("blob: got %q, want what is stored", got)
	}
}

func truncatedTest(t *testing.T, s *suite) {
	layer := s.someLayer()
	short := layer.Body[:len(layer.Body)/2]
	s.replace(layer.Descriptor.Digest, short)
	s.start(t)
	got, err := s.blob(t, layer.Descriptor)
	if err == nil && !bytes.Equal(got, short) {
		t.Errorf("got %d bytes, want the %d that are stored", len(got), len(short))
	}
	if err != nil && image.CauseOf(err) != fact.CutShort {
		t.Errorf("cause %q of %v, want %q", image.CauseOf(err), err, fact.CutShort)
	}
}

func oversizeTest(t *testing.T, s *suite) {
	d := s.child().Descriptor
	s.replace(d.Digest, bytes.Repeat([]byte(" "), limits.Manifest+1))
	s.start(t)
	_, err := s.src.Manifest(t.Context(), s.digest(d.Digest))
	wantCause(t, "manifest", err, fact.Limit)
	var exceeded *limits.ExceededError
	if !errors.As(err, &exceeded) || exceeded.Limit != limits.Manifest {
		t.Errorf("%v does not name the limit %d", err, limits.Manifest)
	}
}

func unusableTest(t *testing.T, s *suite) {
	s.start(t)
	for _, d := range []ref.Digest{"sha256:../../../../etc/passwd", "../../etc/passwd", "sha256:", "blake3:" + ref.Digest(s.root().Descriptor.Digest.Hex())} {
		if a, err := s.src.Manifest(t.Context(), s.digest(d)); err == nil {
			t.Errorf("manifest %q: got %d bytes, want an error", d, len(a.Body))
		}
		if b, err := s.blob(t, ref.Descriptor{Digest: d, Size: 1}); err == nil {
			t.Errorf("blob %q: got %d bytes, want an error", d, len(b))
		}
	}
}

func contextTest(t *testing.T, s *suite) {
	s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.src.Manifest(ctx, s.tag("1.4.2"))
	wantCause(t, "manifest", err, fact.Cancelled)
	rc, err := s.src.Blob(ctx, s.tag("1.4.2"), s.someLayer().Descriptor)
	if err == nil {
		_, err = io.Copy(io.Discard, rc)
		_ = rc.Close()
	}
	wantCause(t, "blob", err, fact.Cancelled)

	// Cancelled between opening and reading: what has arrived may still come out,
	// all of it or an end with its cause.
	ctx, cancel = context.WithCancel(t.Context())
	big := s.image.big()
	rc, err = s.src.Blob(ctx, s.tag("1.4.2"), big.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	got, err := io.ReadAll(rc)
	if err != nil {
		wantCause(t, "blob after it was opened", err, fact.Cancelled)
	} else if !bytes.Equal(got, big.Body) {
		t.Errorf("blob after it was opened: %d bytes and no error, want all %d or an error", len(got), len(big.Body))
	}
	if err := rc.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func wantCause(t *testing.T, what string, err error, want fact.Cause) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want cause %q", what, want)
		return
	}
	if diff := cmp.Diff(want, image.CauseOf(err)); diff != "" {
		t.Errorf("%s: cause of %v (-want +got):\n%s", what, err, diff)
	}
}
