package containerd_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/containerd"
	"github.com/intact-dev/intact/pkg/source/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
		n := &containerdtest.Namespace{Blobs: map[ref.Digest][]byte{}}
		for tag, o := range c.Tags {
			n.Images = append(n.Images, stored(c.Name+":"+tag, o.Descriptor))
		}
		for _, m := range []map[ref.Digest]testimage.Object{c.Manifests, c.Blobs} {
			for d, o := range m {
				n.Blobs[d] = o.Body
			}
		}
		return open(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, "")
	})
}

func TestProves(t *testing.T) {
	t.Parallel()
	got := open(t, &containerdtest.Server{}, "").Proves()
	if !got.Manifest || got.Tags || got.Signatures || got.NoSignatures == "" || got.Place != "containerd" {
		t.Errorf("claims %+v", got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	a, b := build(t, "a"), build(t, "b")
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{
		"default": namespace(map[string]*testimage.Built{
			"docker.io/library/nginx:1.25": a, "docker.io/library/redis:latest": a, "app:1": a, "docker.io/library/app:1": b,
			"ghcr.io/acme/both:1": a, "ghcr.io/acme/same:1": b}),
		"k8s.io": namespace(map[string]*testimage.Built{
			"ghcr.io/acme/api:2": b, "ghcr.io/acme/both:1": b, "ghcr.io/acme/same:1": b, "sha256:" + a.Images[0].Config.Descriptor.Digest.Hex(): a}),
		"empty": {},
	}}
	path := s.Start(t)
	tests := []struct {
		name, namespace, ref string
		want                 *testimage.Built
		cause                fact.Cause
		err, hint            string
	}{
		{name: "short_name", ref: "nginx:1.25", want: a},
		{name: "whole_name", ref: "docker.io/library/nginx:1.25", want: a},
		{name: "no_tag_is_latest", ref: "redis", want: a},
		{name: "as_written_first", ref: "app:1", want: a},
		{name: "completed", ref: "docker.io/library/app:1", want: b},
		{name: "other_namespace", ref: "ghcr.io/acme/api:2", want: b},
		{name: "same_in_two", ref: "ghcr.io/acme/same:1", want: b},
		{name: "image_id", ref: "sha256:" + a.Images[0].Config.Descriptor.Digest.Hex(), want: a},
		{name: "digest", ref: "x@" + string(b.Root.Descriptor.Digest), want: b},
		{name: "different_in_two", ref: "ghcr.io/acme/both:1", cause: fact.Unsupported, err: `namespace "k8s.io" has`, hint: "--containerd-namespace k8s.io"},
		{name: "chosen", namespace: "k8s.io", ref: "ghcr.io/acme/both:1", want: b},
		{name: "not_in_the_chosen", namespace: "empty", ref: "nginx:1.25", cause: fact.NotFound, err: `namespaces "empty"`},
		{name: "digest_not_in_the_chosen", namespace: "empty", ref: "x@" + string(b.Root.Descriptor.Digest), cause: fact.NotFound, err: "content store"},
		{name: "other_tag", ref: "nginx:9", cause: fact.NotFound, err: `there: "docker.io/library/nginx:1.25"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src, err := containerd.Open(t.Context(), containerd.Options{Address: path, Namespace: tt.namespace})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = src.Close() }()
			r, err := ref.Parse(tt.ref)
			if err != nil {
				t.Fatal(err)
			}
			got, err := src.Manifest(t.Context(), r)
			head, headErr := src.Head(t.Context(), r)
			if tt.want == nil {
				if err == nil || image.CauseOf(err) != tt.cause || !strings.Contains(err.Error(), tt.err) || !strings.Contains(image.HintOf(err), tt.hint) {
					t.Errorf("error %v with cause %q and hint %q", err, image.CauseOf(err), image.HintOf(err))
				}
				if image.CauseOf(headErr) != tt.cause {
					t.Errorf("head: %v, want the cause %q", headErr, tt.cause)
				}
				return
			}
			if err != nil || headErr != nil {
				t.Fatal(err, headErr)
			}
			if diff := cmp.Diff(string(tt.want.Root.Body), string(got.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if r.Digest == "" && got.Wanted.Digest != tt.want.Root.Descriptor.Digest {
				t.Errorf("the name stands for %s, which is not what is wanted of the body (%s)", tt.want.Root.Descriptor.Digest, got.Wanted.Digest)
			}
			if head.DigestClaim != tt.want.Root.Descriptor.Digest {
				t.Errorf("head claims %s", head.DigestClaim)
			}
		})
	}
}

// What the image store says is held against the bytes: a name whose target was
// changed behind containerd's back does not pass.
func TestTargetDecides(t *testing.T) {
	t.Parallel()
	a, b := build(t, "a"), build(t, "b")
	n := namespace(map[string]*testimage.Built{"docker.io/library/x:1": a})
	n.Blobs[a.Root.Descriptor.Digest] = b.Root.Body
	src := open(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, "")
	img, err := image.Open(t.Context(), src, ref.Ref{Name: "x", Tag: "1"}, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if img.Root.Right() {
		t.Error("other bytes than the image store names count as right")
	}
}

func TestDiscardedLayers(t *testing.T) {
	t.Parallel()
	a := build(t, "a")
	n := namespace(map[string]*testimage.Built{"docker.io/library/x:1": a})
	layer := a.Images[0].Layers[0].Descriptor
	delete(n.Blobs, layer.Digest)
	src := open(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, "")
	_, err := src.Blob(t.Context(), ref.Ref{Name: "x"}, layer)
	if image.CauseOf(err) != fact.NotFound || !strings.Contains(image.HintOf(err), "discard_unpacked_layers") {
		t.Errorf("error %v, hint %q", err, image.HintOf(err))
	}
}

func TestUnusableTarget(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"", "sha256:short", "blake3:" + strings.Repeat("0", 64), "sha256:../../etc/passwd"} {
		n := &containerdtest.Namespace{Images: []*imagesapi.Image{{Name: "docker.io/library/x:1", Target: &types.Descriptor{Digest: digest}}}}
		src := open(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, "")
		if _, err := src.Manifest(t.Context(), ref.Ref{Name: "x", Tag: "1"}); image.CauseOf(err) != fact.Unsupported {
			t.Errorf("target %q: %v", digest, err)
		}
	}
}

func TestUnknownNamespace(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": {}}}
	_, err := containerd.Open(t.Context(), containerd.Options{Address: s.Start(t), Namespace: "kubernetes"})
	if image.CauseOf(err) != fact.NotFound || !strings.Contains(err.Error(), `there are "default"`) {
		t.Errorf("error %v", err)
	}
}

// A namespace that cannot be asked is no namespace without the image.
func TestFaults(t *testing.T) {
	t.Parallel()
	a := build(t, "a")
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"a": {}, "b": namespace(map[string]*testimage.Built{"docker.io/library/x:1": a})}}
	var fault string
	s.Before = func(_ context.Context, method string, _ int) error {
		if fault != "" && strings.HasSuffix(method, fault) {
			return status.Error(codes.PermissionDenied, "not for you")
		}
		return nil
	}
	src := open(t, s, "")
	layer := a.Images[0].Layers[0].Descriptor
	r := ref.Ref{Name: "x", Tag: "1"}
	for _, tt := range []struct {
		fault string
		ask   func() error
	}{
		{"Images/Get", func() error { _, err := src.Manifest(t.Context(), r); return err }},
		{"Images/Get", func() error { _, err := src.Head(t.Context(), r); return err }},
		{"Content/Read", func() error { _, err := src.Manifest(t.Context(), r); return err }},
		{"Content/Read", func() error { _, err := src.Blob(t.Context(), r, layer); return err }},
		{"Content/Info", func() error { _, err := src.HasBlob(t.Context(), r, layer); return err }},
		{"Content/Info", func() error { _, err := src.Head(t.Context(), r); return err }},
	} {
		fault = tt.fault
		if err := tt.ask(); image.CauseOf(err) != fact.Forbidden {
			t.Errorf("%s: %v, want the cause %q", tt.fault, err, fact.Forbidden)
		}
	}
}

// A blob of which the server dies half way is cut short or gone, never whole.
func TestDiesWhileRead(t *testing.T) {
	t.Parallel()
	big, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{
		Compression: "none", Files: []testimage.File{{Path: "f", Size: 4 << 20}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": namespace(map[string]*testimage.Built{"docker.io/library/x:1": big})}}
	opened := make(chan struct{})
	s.Before = func(ctx context.Context, method string, n int) error {
		if strings.HasSuffix(method, "Content/Read") && n == 3 {
			<-opened
			s.Kill()
			<-ctx.Done()
		}
		return nil
	}
	rc, err := open(t, s, "").Blob(t.Context(), ref.Ref{}, big.Images[0].Layers[0].Descriptor)
	close(opened)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(rc)
	if err == nil || image.CauseOf(err) != fact.Network {
		t.Errorf("%d bytes and %v, want the cause %q", len(b), err, fact.Network)
	}
	if err := rc.Close(); err != nil {
		t.Error(err)
	}
	if _, err := rc.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read after close: %v", err)
	}
}

func build(t *testing.T, content string) *testimage.Built {
	t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{
		Files: []testimage.File{{Path: "f", Content: content}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stored(name string, d ref.Descriptor) *imagesapi.Image {
	return &imagesapi.Image{Name: name, Target: &types.Descriptor{MediaType: d.MediaType, Digest: string(d.Digest), Size: d.Size}}
}

func namespace(images map[string]*testimage.Built) *containerdtest.Namespace {
	n := &containerdtest.Namespace{Blobs: map[ref.Digest][]byte{}}
	for name, b := range images {
		n.Images = append(n.Images, stored(name, b.Root.Descriptor))
		for _, list := range [][]testimage.Object{b.Manifests, b.Blobs} {
			for _, o := range list {
				n.Blobs[o.Descriptor.Digest] = o.Body
			}
		}
	}
	return n
}

func open(t *testing.T, s *containerdtest.Server, namespace string) *containerd.Source {
	t.Helper()
	src, err := containerd.Open(t.Context(), containerd.Options{Address: s.Start(t), Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}
