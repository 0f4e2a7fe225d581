package layout_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/layout"
	"github.com/intact-dev/intact/pkg/source/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
		files, err := c.LayoutFiles()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range files {
			write(t, filepath.Join(dir, f.Name), f.Body)
		}
		return open(t, dir)
	})
}

func TestProves(t *testing.T) {
	t.Parallel()
	want := image.Claims{Place: "OCI layout", Manifest: true, Signatures: true}
	if diff := cmp.Diff(want, open(t, withEntries(t, entry(t, "a", "x"))).Proves()); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	a, b, c := entry(t, "1.4.2", "a"), entry(t, "ghcr.io/acme/api:2.0.0", "b"), entry(t, "docker.io/library/nginx:2.0.0", "c")
	containerd := entry(t, "3", "d")
	containerd.Annotations = map[string]string{"io.containerd.image.name": "docker.io/library/redis:7.4.1"}
	src := open(t, withEntries(t, a, b, c, containerd))
	tests := []struct {
		name string
		r    ref.Ref
		want *testimage.Built
		err  string
	}{
		{"plain_tag", ref.Ref{Tag: "1.4.2"}, a.Built, ""},
		{"plain_tag_under_another_name", ref.Ref{Name: "registry.example/x", Tag: "1.4.2"}, a.Built, ""},
		{"full_name", ref.Ref{Name: "ghcr.io/acme/api", Tag: "2.0.0"}, b.Built, ""},
		{"full_name_not_canonical", ref.Ref{Name: "nginx", Tag: "2.0.0"}, c.Built, ""},
		{"containerd_name", ref.Ref{Name: "redis", Tag: "7.4.1"}, containerd.Built, ""},
		{"tag_of_one_full_name", ref.Ref{Tag: "7.4.1"}, containerd.Built, ""},
		{"tag_of_two_full_names", ref.Ref{Tag: "2.0.0"}, nil, "two entries have this name"},
		{"tag_of_another_repository", ref.Ref{Name: "quay.io/acme/api", Tag: "2.0.0"}, nil, `there: "1.4.2"`},
		{"nothing_said", ref.Ref{}, nil, "there are 4 images; choose one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := src.Manifest(t.Context(), tt.r)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want.Root.Descriptor.Digest, got.Wanted.Digest); diff != "" {
				t.Errorf("digest (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(string(tt.want.Root.Body), string(got.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOnlyImage(t *testing.T) {
	t.Parallel()
	img := entry(t, "", "x")
	digest := img.Built.Root.Descriptor.Digest
	statement, err := testimage.Artifact("application/example", img.Built.Root.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	signature := signatureOf(t, testimage.SigTag(digest), digest, "acme/api")
	again := img
	again.Name = "latest"
	src := open(t, withEntries(t, img, signature, testimage.Entry{Built: statement}, again))
	got, err := src.Manifest(t.Context(), ref.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Wanted.Digest != digest {
		t.Errorf("got %s, want %s", got.Wanted.Digest, digest)
	}
	_, err = open(t, withEntries(t)).Manifest(t.Context(), ref.Ref{})
	if image.CauseOf(err) != fact.NotFound {
		t.Errorf("an empty layout: %v, want %s", err, fact.NotFound)
	}
}

func TestCosignSave(t *testing.T) {
	t.Parallel()
	kind := func(e testimage.Entry, k string) testimage.Entry {
		e.Annotations = map[string]string{"kind": "dev.cosignproject.cosign/" + k}
		return e
	}
	img := entry(t, "", "image")
	digest := img.Built.Root.Descriptor.Digest
	sigs, atts := signatureOf(t, "", digest, "acme/sigs"), signatureOf(t, "", digest, "acme/atts")
	src := open(t, withEntries(t, kind(img, "imageIndex"), kind(sigs, "sigs"), kind(atts, "atts")))
	tag := strings.TrimSuffix(testimage.SigTag(img.Built.Root.Descriptor.Digest), ".sig")
	for r, want := range map[ref.Ref]*testimage.Built{
		{}: img.Built, {Tag: tag + ".sig"}: sigs.Built, {Tag: tag + ".att"}: atts.Built,
	} {
		got, err := src.Manifest(t.Context(), r)
		if err != nil {
			t.Errorf("%q: %v", r, err)
			continue
		}
		if got.Wanted.Digest != want.Root.Descriptor.Digest {
			t.Errorf("%q: got %s, want %s", r, got.Wanted.Digest, want.Root.Descriptor.Digest)
		}
	}
	if _, err := src.Manifest(t.Context(), ref.Ref{Tag: tag + ".sbom"}); image.CauseOf(err) != fact.NotFound {
		t.Errorf("an attachment that is not there: %v", err)
	}
}

// A blob ends with its context between two reads.
func TestCancelledWhileRead(t *testing.T) {
	t.Parallel()
	e := entry(t, "x", "content")
	ctx, cancel := context.WithCancel(t.Context())
	rc, err := open(t, withEntries(t, e)).Blob(ctx, ref.Ref{}, e.Built.Images[0].Layers[0].Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rc.Close() }()
	if _, err := rc.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := rc.Read(make([]byte, 1)); image.CauseOf(err) != fact.Cancelled {
		t.Errorf("read: %v, want %s", err, fact.Cancelled)
	}
}

func signatureOf(t *testing.T, name string, subject ref.Digest, repository string) testimage.Entry {
	t.Helper()
	b, err := testimage.CosignSignature(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), repository, subject)
	if err != nil {
		t.Fatal(err)
	}
	return testimage.Entry{Built: b, Name: name}
}

func entry(t *testing.T, name, content string) testimage.Entry {
	t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{
		Files: []testimage.File{{Path: "f", Content: content}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return testimage.Entry{Built: b, Name: name}
}

func withEntries(t *testing.T, entries ...testimage.Entry) string {
	t.Helper()
	dir := t.TempDir()
	if err := testimage.WriteLayout(dir, entries...); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *layout.Source {
	t.Helper()
	s, err := layout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, src image.Source, d ref.Descriptor) ([]byte, error) {
	t.Helper()
	rc, err := src.Blob(t.Context(), ref.Ref{}, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	return io.ReadAll(rc)
}

func wantLimit(t *testing.T, err error) {
	t.Helper()
	var exceeded *limits.ExceededError
	if !errors.As(err, &exceeded) || image.CauseOf(err) != fact.Limit {
		t.Errorf("got %v, want a limit", err)
	}
}
