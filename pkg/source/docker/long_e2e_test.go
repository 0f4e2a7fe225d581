//go:build e2e && linux && long

package docker_test

import (
	"bytes"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// moby is the engine of Docker 29, which has to be built first.
func moby(t *testing.T) string {
	t.Helper()
	dockerd, err := testground.Moby.Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dockerd
}

// containerd's store hands out an index as it was given.
func TestIndexOfARealEngine(t *testing.T) {
	t.Parallel()
	dockerd := moby(t)
	d := startEngine(t, func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), dockerd) })
	platform := func(name string) testimage.Image {
		return testimage.Image{Platform: name, Layers: []testimage.Layer{{Files: []testimage.File{{Path: "bin/app", Content: name}}}}}
	}
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{platform("linux/amd64"), platform("linux/arm64")}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := testimage.LayoutFiles(testimage.Entry{Built: b, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Run(t.Context(), bytes.NewReader(tarOf(t, files)), "load"); err != nil {
		t.Fatal(err)
	}
	src := openReal(t, d, name)
	if known := src.Known(); known.ID != b.Root.Descriptor.Digest || known.Kind != fact.DigestIndex || !src.Proves().Manifest {
		t.Errorf("known %+v, claims %+v", known, src.Proves())
	}
	a, err := src.Manifest(t.Context(), ref.Ref{})
	if err != nil || !bytes.Equal(a.Body, b.Root.Body) {
		t.Errorf("index %q, %v", a.Body, err)
	}
	for _, i := range b.Images {
		readWhole(t, src, ref.Ref{Digest: i.Manifest.Descriptor.Digest})
	}
}
