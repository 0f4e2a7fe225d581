package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/layout"
)

const committed = "../../../" + folder

// The committed layout is what the generator writes.
func TestFresh(t *testing.T) {
	t.Parallel()
	files, err := files()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	total := 0
	for _, f := range files {
		want[f.Name] = string(f.Body)
		total += len(f.Body)
	}
	got := map[string]string{}
	err = filepath.WalkDir(committed, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".gitattributes" {
			return err
		}
		rel, err := filepath.Rel(committed, name)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(name)
		got[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not what the generator writes; run: go run ./pkg/internal/demo\n%s", folder, diff)
	}
	if total > 60<<10 {
		t.Errorf("the demo has %d bytes; it is to stay below 60 KiB", total)
	}
}

// The layout opens by its names, and its signature verifies with the committed
// key.
func TestReadable(t *testing.T) {
	t.Parallel()
	src, err := layout.Open(filepath.Join(committed, "demo"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	var root ref.Digest
	for _, r := range []ref.Ref{{}, {Tag: tag}, {Name: repository, Tag: tag}} {
		img, err := image.Open(t.Context(), src, r, image.Options{})
		if err != nil {
			t.Fatalf("%q: %v", r, err)
		}
		if root = img.Root.Doc.Digest; len(img.Children) != 2 || len(img.Root.Doc.Problems) != 0 {
			t.Errorf("%q: %d children, problems %+v", r, len(img.Children), img.Root.Doc.Problems)
		}
	}
	a, err := src.Manifest(t.Context(), ref.Ref{Tag: testimage.SigTag(root)})
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Layers []ref.Descriptor }
	if err := json.Unmarshal(a.Body, &m); err != nil {
		t.Fatal(err)
	}
	payload, err := os.ReadFile(filepath.Join(committed, "demo/blobs/sha256", m.Layers[0].Digest.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(m.Layers[0].Annotations["dev.cosignproject.cosign/signature"])
	if err != nil {
		t.Fatal(err)
	}
	pub, err := os.ReadFile(filepath.Join(committed, "demo.pub"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pub)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(key.(ed25519.PublicKey), payload, sig) {
		t.Error("the signature does not verify with demo.pub")
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale := filepath.Join(dir, folder, "demo", "stale")
	if err := os.MkdirAll(stale, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("an earlier layout's file is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, folder, "demo", "index.json")); err != nil {
		t.Error(err)
	}
}
