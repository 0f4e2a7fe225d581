package sourcetest

import (
	"bytes"
	"fmt"
	"sort"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

func concurrentTest(t *testing.T, s *suite) {
	s.start(t)
	var g errgroup.Group
	for i := range 16 {
		for _, want := range s.image.built.Blobs {
			g.Go(func() error {
				got, err := s.blob(t, want.Descriptor)
				if err == nil && !bytes.Equal(got, want.Body) {
					err = fmt.Errorf("reader %d of %s got other bytes", i, want.Descriptor.Digest)
				}
				return err
			})
		}
		g.Go(func() error {
			a, err := s.src.Manifest(t.Context(), s.tag("1.4.2"))
			if err == nil && !bytes.Equal(a.Body, s.root().Body) {
				err = fmt.Errorf("reader %d of the manifest got other bytes", i)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func probeTest(t *testing.T, s *suite) {
	s.start(t)
	p, ok := s.src.(image.Prober)
	if !ok {
		t.Skip("the source is no image.Prober")
	}
	for _, r := range []ref.Ref{s.tag("1.4.2"), s.digest(s.root().Descriptor.Digest)} {
		a, err := p.Head(t.Context(), r)
		if err != nil {
			t.Fatalf("head %s: %v", r, err)
		}
		if len(a.Body) != 0 {
			t.Errorf("head %s: got %d bytes, want none", r, len(a.Body))
		}
		if a.DigestClaim != "" && a.DigestClaim != s.root().Descriptor.Digest {
			t.Errorf("head %s: claims %s, want %s", r, a.DigestClaim, s.root().Descriptor.Digest)
		}
	}
	nowhere := ref.DigestOf([]byte("nowhere"), "")
	_, err := p.Head(t.Context(), s.digest(nowhere))
	wantCause(t, "head of a missing manifest", err, fact.NotFound)
	_, err = p.Head(t.Context(), s.tag("nowhere"))
	wantCause(t, "head of a missing tag", err, fact.NotFound)
	for d, want := range map[ref.Digest]bool{s.someLayer().Descriptor.Digest: true, nowhere: false} {
		got, err := p.HasBlob(t.Context(), s.tag("1.4.2"), ref.Descriptor{Digest: d, Size: 1})
		if err != nil || got != want {
			t.Errorf("has blob %s: %v, %v; want %v", d, got, err, want)
		}
	}
}

func referrersTest(t *testing.T, s *suite) {
	s.start(t)
	lister, ok := s.src.(image.Referrer)
	if !ok || !s.src.Proves().Signatures {
		t.Skip("the source claims no signatures")
	}
	got, form, err := lister.Referrers(t.Context(), s.tag("1.4.2"), s.root().Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if form == "" {
		t.Error("no form is given")
	}
	var digests []ref.Digest
	for _, d := range got {
		digests = append(digests, d.Digest)
		if d.ArtifactType != artifactType {
			t.Errorf("referrer %s has the artifact type %q, want %q", d.Digest, d.ArtifactType, artifactType)
		}
	}
	sort.Slice(digests, func(i, j int) bool { return digests[i] < digests[j] })
	if diff := cmp.Diff([]ref.Digest{s.image.referrer.Root.Descriptor.Digest}, digests); diff != "" {
		t.Errorf("referrers (-want +got):\n%s", diff)
	}
	got, _, err = lister.Referrers(t.Context(), s.tag("1.4.2"), s.child().Descriptor.Digest)
	if err != nil || len(got) != 0 {
		t.Errorf("referrers of a manifest that has none: %v, %v", got, err)
	}
}

const artifactType = "application/vnd.example.statement"

// A fixture is the image of the suite: an index of two platforms, and an
// artifact that refers to it.
type fixture struct {
	built    *testimage.Built
	referrer *testimage.Built
}

func build(t *testing.T) fixture {
	t.Helper()
	platform := func(name, compression string, size int64) testimage.Image {
		return testimage.Image{Platform: name, Layers: []testimage.Layer{{
			Compression: compression, CreatedBy: "COPY . /",
			Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: "program for " + name}, {Path: "data", Size: size}},
		}}}
	}
	built, err := testimage.Build(testimage.Spec{Images: []testimage.Image{
		platform("linux/amd64", "gzip", 2000), platform("linux/arm64", "none", 1<<20),
	}})
	if err != nil {
		t.Fatal(err)
	}
	referrer, err := testimage.Artifact(artifactType, built.Root.Descriptor, testimage.Blob("text/plain", []byte("a statement")))
	if err != nil {
		t.Fatal(err)
	}
	return fixture{built, referrer}
}

func (f fixture) big() testimage.Object { return f.built.Images[1].Layers[0] }

func (f fixture) contents() *Contents {
	c := &Contents{Name: Repository,
		Tags:      map[string]testimage.Object{"1.4.2": f.built.Root},
		Manifests: map[ref.Digest]testimage.Object{}, Blobs: map[ref.Digest]testimage.Object{}}
	for _, b := range []*testimage.Built{f.built, f.referrer} {
		for _, o := range b.Manifests {
			c.Manifests[o.Descriptor.Digest] = o
		}
		for _, o := range b.Blobs {
			c.Blobs[o.Descriptor.Digest] = o
		}
	}
	return c
}
