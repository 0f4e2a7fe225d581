package testimage_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

const description = `{"images": [
  {"platform": "linux/amd64", "config": {"User": "app", "Volumes": {"/data": {}}}, "layers": [
    {"createdBy": "COPY . /app", "files": [
      {"path": "app/", "uid": 1000},
      {"path": "app/run", "mode": "4755", "uid": 1000, "content": "#!/bin/sh\n", "xattrs": {"user.b": "2", "user.a": "1"}},
      {"path": "bin/sh", "link": "busybox"},
      {"path": "bin/ash", "hard": "bin/busybox"},
      {"path": "dev/null", "type": "char"},
      {"path": "etc/.wh.passwd"},
      {"path": "blob", "size": 700}]},
    {"compression": "zstd", "files": []}]},
  {"platform": "linux/arm64/v8", "layers": [{"compression": "none", "files": [{"path": "f", "content": "x"}]}]}
]}`

func TestBuild(t *testing.T) {
	t.Parallel()
	b := build(t, description)
	for _, o := range append(append([]testimage.Object(nil), b.Manifests...), b.Blobs...) {
		if got := ref.DigestOf(o.Body, ""); got != o.Descriptor.Digest || int64(len(o.Body)) != o.Descriptor.Size {
			t.Errorf("%s: body is %s of %d bytes", o.Descriptor.Digest, got, len(o.Body))
		}
	}
	var index struct {
		Manifests []struct {
			Digest   ref.Digest
			Platform map[string]string
		}
	}
	decode(t, b.Root.Body, &index)
	want := []map[string]string{{"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64", "variant": "v8"}}
	for i, m := range index.Manifests {
		if diff := cmp.Diff(want[i], m.Platform); diff != "" {
			t.Errorf("platform %d (-want +got):\n%s", i, diff)
		}
		if m.Digest != b.Images[i].Manifest.Descriptor.Digest {
			t.Errorf("platform %d: the index lists %s", i, m.Digest)
		}
	}
	var config struct {
		Config struct{ User string }
		RootFS struct {
			DiffIDs []ref.Digest `json:"diff_ids"`
		}
	}
	decode(t, b.Images[0].Config.Body, &config)
	wantIDs := []ref.Digest{ref.DigestOf(b.Images[0].Tars[0], ""), ref.DigestOf(b.Images[0].Tars[1], "")}
	if diff := cmp.Diff(wantIDs, config.RootFS.DiffIDs); diff != "" || config.Config.User != "app" {
		t.Errorf("user %q, diffIDs (-want +got):\n%s", config.Config.User, diff)
	}
}

func TestLayerContent(t *testing.T) {
	t.Parallel()
	b := build(t, description)
	zr, err := gzip.NewReader(bytes.NewReader(b.Images[0].Layers[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(h.FileInfo().Mode().String()+" "+h.Name+" "+h.Linkname))
	}
	want := []string{"drwxr-xr-x app/", "urwxr-xr-x app/run", "Lrwxrwxrwx bin/sh busybox", "-rw-r--r-- bin/ash bin/busybox",
		"Dcrw-r--r-- dev/null", "-rw-r--r-- etc/.wh.passwd", "-rw-r--r-- blob"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	d, err := zstd.NewReader(bytes.NewReader(b.Images[0].Layers[1].Body))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	expanded, err := io.ReadAll(d)
	if err != nil || !bytes.Equal(expanded, b.Images[0].Tars[1]) {
		t.Errorf("zstd layer: %v, or not the archive", err)
	}
}

// The digest is here so that a change of the bytes is seen where it is made:
// tests elsewhere and the demo layout depend on them.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	first, second := build(t, description), build(t, description)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two builds of one description (-first +second):\n%s", diff)
	}
	const want = "sha256:0c900318a9fef3a44137a28354d1a193d267443b2b141978a6cf2b1887fd0711"
	if got := first.Root.Descriptor.Digest; got != want {
		t.Errorf("root is %s, was %s", got, want)
	}
}

func TestDefects(t *testing.T) {
	t.Parallel()
	b := build(t, `{"images": [{
	  "layers": [{"files": [{"path": "f"}], "stored": "d3Jvbmc=", "diffID": "sha256:00", "descriptorFields": {"size": -1, "mediaType": null}}],
	  "manifestFields": {"manifests": [], "mediaType": "application/x"}, "configFields": {"os": null}}],
	  "index": true, "rawIndex": "{} {}"}`)
	if got := string(b.Images[0].Layers[0].Body); got != "wrong" {
		t.Errorf("layer is %q, want what is stored instead", got)
	}
	var m struct {
		MediaType string
		Manifests []any
		Layers    []map[string]any
	}
	decode(t, b.Images[0].Manifest.Body, &m)
	if _, ok := m.Layers[0]["mediaType"]; ok || m.Layers[0]["size"] != -1.0 || m.Manifests == nil || m.MediaType != "application/x" {
		t.Errorf("manifest %s", b.Images[0].Manifest.Body)
	}
	if got := b.Images[0].Manifest.Descriptor.MediaType; got != "application/x" {
		t.Errorf("media type %q does not follow the document", got)
	}
	var c map[string]any
	decode(t, b.Images[0].Config.Body, &c)
	if _, ok := c["os"]; ok || !strings.Contains(string(b.Images[0].Config.Body), `"sha256:00"`) {
		t.Errorf("config %s", b.Images[0].Config.Body)
	}
	if string(b.Root.Body) != "{} {}" || b.Root.Descriptor.MediaType != testimage.TypeIndex {
		t.Errorf("root %q %q", b.Root.Body, b.Root.Descriptor.MediaType)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	if _, err := testimage.Parse([]byte(`{"image": []}`)); err == nil {
		t.Error("an unknown field is taken")
	}
	for _, s := range []testimage.Spec{
		{Images: []testimage.Image{{Platform: "linux"}}},
		{Images: []testimage.Image{{Layers: []testimage.Layer{{Compression: "lz4"}}}}},
		{Images: []testimage.Image{{Layers: []testimage.Layer{{Files: []testimage.File{{Path: "f", Mode: "rwx"}}}}}}},
		{Images: []testimage.Image{{Layers: []testimage.Layer{{Files: []testimage.File{{Path: "f", Type: "door"}}}}}}},
	} {
		if _, err := testimage.Build(s); err == nil {
			t.Errorf("%+v is built", s)
		}
	}
}

func TestCosignSignature(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	subject := ref.DigestOf([]byte("image"), "")
	b, err := testimage.CosignSignature(key, "ghcr.io/acme/api", subject)
	if err != nil {
		t.Fatal(err)
	}
	payload := b.Blobs[1]
	want := `{"critical":{"identity":{"docker-reference":"ghcr.io/acme/api"},"image":{"docker-manifest-digest":"` +
		string(subject) + `"},"type":"cosign container image signature"},"optional":null}`
	if diff := cmp.Diff(want, string(payload.Body)); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	sig, err := base64.StdEncoding.DecodeString(payload.Descriptor.Annotations["dev.cosignproject.cosign/signature"])
	if err != nil || !ed25519.Verify(key.Public().(ed25519.PublicKey), payload.Body, sig) {
		t.Errorf("signature does not verify: %v", err)
	}
	if !strings.Contains(string(b.Root.Body), string(payload.Descriptor.Digest)) {
		t.Errorf("the manifest does not list the payload: %s", b.Root.Body)
	}
}

func build(t *testing.T, text string) *testimage.Built {
	t.Helper()
	s, err := testimage.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := testimage.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}
