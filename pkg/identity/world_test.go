package identity_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

// dig is the digest that a test calls name: sha512 if the name begins with 512.
func dig(name string) ref.Digest {
	if name == "" {
		return ""
	}
	if len(name) > 3 && name[:3] == "512" {
		return ref.Digest(fmt.Sprintf("sha512:%x", sha512.Sum512([]byte(name))))
	}
	return ref.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))))
}

func digs(names ...string) []ref.Digest {
	var out []ref.Digest
	for _, n := range names {
		out = append(out, dig(n))
	}
	return out
}

// on is a platform by its text; "" is the zero one.
func on(t *testing.T, s string) ref.Platform {
	t.Helper()
	if s == "" {
		return ref.Platform{}
	}
	p, err := ref.ParsePlatform(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A child is an image of an index: platform, manifest, config ("" = not read).
type child struct{ platform, manifest, config string }

func (c child) fact(t *testing.T) fact.Child {
	t.Helper()
	return fact.Child{Platform: on(t, c.platform), Class: fact.ClassImage, Manifest: dig(c.manifest), Config: dig(c.config)}
}

var unknownPlatform = ref.Platform{OS: "unknown", Architecture: "unknown"}

func attestation(manifest string) fact.Child {
	return fact.Child{Platform: unknownPlatform, Class: fact.ClassAttestation, Manifest: dig(manifest), Config: dig(manifest + " config")}
}

// index is an index of images, with an attestation beside them.
func index(t *testing.T, root string, children ...child) fact.Image {
	t.Helper()
	img := fact.Image{Root: ref.Descriptor{Digest: dig(root)}, Class: fact.ClassIndex, Others: []fact.Child{attestation(root + " attestation")}}
	for _, c := range children {
		img.Platforms = append(img.Platforms, c.fact(t))
	}
	return img
}

// manifest is an image without an index.
func manifest(t *testing.T, root, config string) fact.Image {
	t.Helper()
	c := child{"linux/amd64", root, config}.fact(t)
	return fact.Image{Root: ref.Descriptor{Digest: dig(root)}, Class: fact.ClassImage, Platforms: []fact.Child{c}}
}

func graph(images ...fact.Image) *identity.Graph {
	var g identity.Graph
	for _, img := range images {
		g.AddImage(img)
	}
	return &g
}

// read tells g that configs were read, and nothing of what they say.
func read(g *identity.Graph, configs ...string) *identity.Graph {
	for _, c := range configs {
		g.AddConfig(dig(c), ref.Platform{}, nil)
	}
	return g
}
