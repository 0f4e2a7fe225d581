//go:build e2e && linux

package containerd_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/containerd"
)

// An image that was imported into a real containerd is read as it was built, and
// what was done to it on the disk shows.
func TestRealContainerd(t *testing.T) {
	t.Parallel()
	c, err := testground.StartContainerd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{
		{Platform: "linux/" + runtime.GOARCH, Layers: []testimage.Layer{
			{Files: []testimage.File{{Path: "app", Content: "app"}}}, {Compression: "none", Files: []testimage.File{{Path: "data", Size: 64 << 20}}}, {Files: []testimage.File{{Path: "last", Content: "x"}}}}},
		{Platform: "linux/s390x", Layers: []testimage.Layer{{Files: []testimage.File{{Path: "app", Content: "arm"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	own, other := b.Images[0], build(t, "other")
	for _, i := range []struct {
		namespace, name string
		built           *testimage.Built
	}{{"default", "docker.io/acme/app:1", b}, {"k8s.io", "docker.io/acme/app:1", other}, {"k8s.io", "docker.io/acme/app:2", b}} {
		if err := c.Import(t.Context(), i.namespace, i.name, i.built); err != nil {
			t.Fatal(err)
		}
	}
	open := func(namespace string) *containerd.Source {
		src, err := containerd.Open(t.Context(), containerd.Options{Address: "unix://" + c.Socket, Namespace: namespace})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = src.Close() })
		return src
	}
	src := open("")
	if _, err := src.Manifest(t.Context(), ref.Ref{Name: "acme/app", Tag: "1"}); image.CauseOf(err) != fact.Unsupported || !strings.Contains(image.HintOf(err), "--containerd-namespace default") {
		t.Errorf("two images under one name: %v, hint %q", err, image.HintOf(err))
	}

	img, err := image.Open(t.Context(), open("default"), ref.Ref{Name: "acme/app", Tag: "1"}, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !img.Root.Right() || img.Root.Doc.Digest != b.Root.Descriptor.Digest || len(img.Children) != 2 {
		t.Fatalf("root %s, %d children", img.Root.Doc.Digest, len(img.Children))
	}
	// containerd imports and pulls what its own machine runs.
	host, missing := img.Children[0], img.Children[1]
	if !host.ConfigOK || image.CauseOf(missing.Err) != fact.NotFound || image.HintOf(missing.Err) == "" {
		t.Errorf("the machine's image: %v, %v; the other: %v", host.Err, host.ConfigErr, missing.Err)
	}
	for _, layer := range own.Layers {
		if got := read(t, src, layer.Descriptor); !bytes.Equal(got, layer.Body) {
			t.Errorf("%s: %d other bytes", layer.Descriptor.Digest, len(got))
		}
	}

	// On the disk of the machine, behind containerd's back.
	file := func(d ref.Digest) string {
		return filepath.Join(c.Root, "io.containerd.content.v1.content", "blobs", d.Algorithm(), d.Hex())
	}
	first, second, third := own.Layers[0].Descriptor, own.Layers[1].Descriptor, own.Layers[2].Descriptor
	changed := slices.Concat(own.Layers[0].Body[:10], []byte("changed"), own.Layers[0].Body[17:])
	for name, content := range map[ref.Digest][]byte{first.Digest: changed, second.Digest: own.Layers[1].Body[:1<<20]} {
		if err := os.WriteFile(file(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(changed, read(t, src, first)); diff != "" {
		t.Errorf("a changed layer (-want +got):\n%s", diff)
	}
	rc, err := src.Blob(t.Context(), ref.Ref{}, second)
	if err == nil {
		var got []byte
		got, err = io.ReadAll(rc)
		_ = rc.Close()
		if err == nil && len(got) != 1<<20 {
			t.Errorf("a layer that was cut has %d bytes, want the %d that are left", len(got), 1<<20)
		}
	}
	if err != nil {
		t.Logf("a layer that was cut: %v", err)
	}
	for _, namespace := range []string{"default", "k8s.io"} {
		if _, err := c.Ctr(t.Context(), namespace, "content", "rm", string(third.Digest)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = src.Blob(t.Context(), ref.Ref{}, third)
	if image.CauseOf(err) != fact.NotFound || !strings.Contains(image.HintOf(err), "discard_unpacked_layers") {
		t.Errorf("a layer that was removed: %v", err)
	}
	if there, err := src.HasBlob(t.Context(), ref.Ref{}, third); there || err != nil {
		t.Errorf("a layer that was removed is there: %v, %v", there, err)
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Manifest(t.Context(), ref.Ref{Name: "acme/app", Tag: "2"}); image.CauseOf(err) != fact.Network {
		t.Errorf("a dead containerd: %v", err)
	}
}

func read(t *testing.T, src *containerd.Source, d ref.Descriptor) []byte {
	t.Helper()
	rc, err := src.Blob(t.Context(), ref.Ref{}, d)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(rc)
	if err := errors.Join(err, rc.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}
