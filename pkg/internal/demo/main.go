// Command demo writes the demo layout, testdata/layouts/demo, and the public
// half of the key that signs it. From the root of the repository:
//
//	go run ./pkg/internal/demo
//
// The image is made up. It has some of the faults that intact finds, and a
// signature on its index that verifies.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

const (
	folder     = "testdata/layouts"
	repository = "ghcr.io/acme/api"
	tag        = "1.4.2"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// write replaces the layout and the key below root.
func write(root string) error {
	files, err := files()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(root, folder, "demo")); err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(root, folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// demoKey signs the demo layout and nothing else. Its seed is public: trust it
// for nothing.
func demoKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("intact: key of the demo layout, not a secret"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// files returns everything that is written, by its name below the folder.
func files() ([]testimage.NamedFile, error) {
	image, err := testimage.Build(spec())
	if err != nil {
		return nil, err
	}
	key := demoKey()
	signature, err := testimage.CosignSignature(key, repository, image.Root.Descriptor.Digest)
	if err != nil {
		return nil, err
	}
	layout, err := testimage.LayoutFiles(
		// As docker buildx names an image of a layout.
		testimage.Entry{Built: image, Name: tag, Annotations: map[string]string{"io.containerd.image.name": repository + ":" + tag}},
		testimage.Entry{Built: signature, Name: testimage.SigTag(image.Root.Descriptor.Digest)},
	)
	if err != nil {
		return nil, err
	}
	for i := range layout {
		layout[i].Name = "demo/" + layout[i].Name
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	pub := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return append(layout, testimage.NamedFile{Name: "demo.pub", Body: pub}), nil
}
