package identity_test

import (
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/layout"
)

// A real image as it is gathered: the graph needs nothing else.
func TestGraphOfGatheredFacts(t *testing.T) {
	t.Parallel()
	src, err := layout.Open(filepath.Join("..", "..", "testdata", "layouts", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	r := ref.Ref{Name: "ghcr.io/acme/api", Tag: "1.4.2"}
	opened, err := image.Open(t.Context(), src, r, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var g identity.Graph
	img := gather.Image(opened, r.Canonical())
	if img.State != fact.Known || len(img.V.Platforms) < 2 {
		t.Fatalf("the image: %+v", img)
	}
	g.AddImage(img.V)
	for _, c := range opened.Children {
		if config := gather.Config(c); config.State == fact.Known {
			g.AddConfig(c.ConfigDoc.Digest, config.V.Platform, config.V.DiffIDs)
		}
	}
	root, first := img.V.Root.Digest, img.V.Platforms[0]
	for i, c := range img.V.Platforms {
		for _, d := range []ref.Digest{c.Manifest, c.Config} {
			if got := g.Compare(root, d, c.Platform); got.Answer != same {
				t.Errorf("%s on %s: %+v", d, c.Platform, got)
			}
			if got := g.Compare(d, first.Config, c.Platform); (got.Answer == different) != (i > 0) {
				t.Errorf("%s and the first config: %+v", d, got)
			}
		}
		index, manifest, config := g.Names(c.Config, c.Platform)
		if index != root || manifest != c.Manifest || config != c.Config {
			t.Errorf("%s goes by %s, %s, %s", c.Config, index, manifest, config)
		}
	}
	if g.KindOf(root) != fact.DigestIndex || g.KindOf(first.Manifest) != fact.DigestManifest || g.KindOf(first.Config) != fact.DigestConfig {
		t.Error("a kind is wrong")
	}
}
