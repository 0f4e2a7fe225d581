package identity_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

// with returns g after more was told.
func with(g *identity.Graph, more func(*identity.Graph)) *identity.Graph {
	more(g)
	return g
}

// What is the same content, and what only looks like it.
func TestCompareContent(t *testing.T) {
	t.Parallel()
	const spec = "https://github.com/opencontainers/image-spec/blob/v1.1.1/"
	amd, arm := child{"linux/amd64", "amd", "amd config"}, child{"linux/arm64", "arm", "arm config"}
	otherArm := child{"linux/arm64", "new arm", "new arm config"}
	layered := func(configs ...string) *identity.Graph {
		g := graph()
		for _, c := range configs {
			g.AddImage(manifest(t, c+" manifest", c))
		}
		return g
	}
	for name, c := range map[string]comparison{
		"only the attestations changed": {
			source: "https://github.com/jkreileder/cf-ips-to-hcloud-fw/issues/1459",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", amd, arm)), a: "old", b: "new", on: "linux/amd64", want: same,
			says: "the same manifests; only attestations or annotations differ",
		},
		"only the attestations changed, on a node of which nothing is known": {
			source: "https://github.com/moby/moby/issues/48391",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", amd, arm)), a: "old", b: "new", on: "", want: same, says: "only attestations",
		},
		"only the attestations changed, and the index is for another platform": {
			source: "https://github.com/docker/for-mac/issues/7297",
			graph:  graph(index(t, "old", amd), index(t, "new", amd)), a: "old", b: "new", on: "linux/s390x", want: same, says: "only attestations",
		},
		"another platform changed": {
			source: "https://github.com/94fzb/zrlog/issues/254",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", amd, otherArm)), a: "old", b: "new", on: "linux/amd64", want: same,
			says: "both indexes list " + string(dig("amd")) + " for linux/amd64",
		},
		"this platform changed": {
			source: "https://github.com/94fzb/zrlog/issues/254",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", amd, otherArm)), a: "old", b: "new", on: "linux/arm64", want: different,
			says: "different configs",
		},
		"one platform changed, on a node of which nothing is known": {
			source: "https://github.com/94fzb/zrlog/issues/254",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", amd, otherArm)), a: "old", b: "new", on: "", want: unknown, says: "2 images",
		},
		"all platforms packed anew": {
			source: spec + "manifest.md",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", child{"linux/amd64", "amd zstd", "amd config"}, child{"linux/arm64", "arm zstd", "arm config"})),
			a:      "old", b: "new", on: "linux/amd64", want: same, says: "packed or annotated differently: equal configs",
		},
		"one platform packed anew": {
			source: spec + "manifest.md",
			graph:  graph(index(t, "old", amd, arm), index(t, "new", child{"linux/amd64", "amd zstd", "amd config"})),
			a:      "old", b: "new", on: "linux/amd64", want: same, says: "same config " + string(dig("amd config")) + " of what both indexes list",
		},
		"the same twins in the same order": {
			source: spec + "image-index.md",
			graph: graph(index(t, "old", amd, child{"linux/amd64", "twin", "twin config"}, arm),
				index(t, "new", amd, child{"linux/amd64", "twin", "twin config"}, otherArm)),
			a: "old", b: "new", on: "linux/amd64", want: same, says: "both indexes list",
		},
		"the same twins in another order": {
			source: spec + "image-index.md (the first match should be used)",
			graph: graph(index(t, "old", amd, child{"linux/amd64", "twin", "twin config"}),
				index(t, "new", child{"linux/amd64", "twin", "twin config"}, amd)),
			a: "old", b: "new", on: "linux/amd64", want: unknown, says: "2 images",
		},
		"the same manifests for other platforms": {
			source: spec + "image-index.md",
			graph: graph(index(t, "old", amd, arm),
				index(t, "new", child{"linux/arm64", "amd", "amd config"}, child{"linux/amd64", "arm", "arm config"})),
			a: "old", b: "new", on: "", want: unknown, says: "2 images",
		},
		"an attestation is no image for any platform": {
			source: "https://github.com/moby/buildkit/issues/5573",
			graph:  graph(multi(t)), a: "index", b: "index attestation", on: "linux/amd64", want: unknown, says: "of class attestation",
		},
		"an image for unknown/unknown is for no node": {
			source: "https://github.com/zakura-core/zakura/issues/554",
			graph:  graph(index(t, "index", child{"unknown/unknown", "odd", "odd config"}, amd)), a: "index", b: "amd", on: "linux/amd64", want: same, says: "child of",
		},
		"unknown/unknown is no platform of a node": {
			source: "https://github.com/zakura-core/zakura/issues/554",
			graph:  graph(index(t, "index", child{"unknown/unknown", "odd", "odd config"})), a: "index", b: "odd", on: "", want: unknown, says: "lists no image",
		},
		"nothing but attestations": {
			source: "https://github.com/moby/buildkit/issues/5573",
			graph:  graph(index(t, "index"), index(t, "other")), a: "index", b: "other", on: "linux/amd64", want: unknown, says: "lists no image",
		},

		"layers compressed anew": {
			source: "https://github.com/google/go-containerregistry/blob/v0.22.1/pkg/v1/remote/README.md",
			graph:  graph(manifest(t, "gzip", "config"), manifest(t, "zstd", "config")), a: "gzip", b: "zstd", on: "linux/amd64", want: same,
			says: "same config " + string(dig("config")) + ": the manifests are packed or annotated differently",
		},
		"another configuration over the same layers": {
			source: spec + "config.md",
			graph: with(layered("root", "app"), func(g *identity.Graph) {
				g.AddConfig(dig("root"), on(t, "linux/amd64"), digs("layer 1", "layer 2"))
				g.AddConfig(dig("app"), on(t, "linux/amd64"), digs("layer 1", "layer 2"))
			}), a: "root manifest", b: "app manifest", on: "linux/amd64", want: different, says: "the layers are equal, what is started or how is not",
		},
		"configs of two algorithms, other layers": {
			source: spec + "descriptor.md#digests",
			graph: with(layered("config", "512 config"), func(g *identity.Graph) {
				g.AddConfig(dig("config"), on(t, "linux/amd64"), digs("layer 1", "layer 2"))
				g.AddConfig(dig("512 config"), on(t, "linux/amd64"), digs("layer 1", "layer 3"))
			}), a: "config manifest", b: "512 config manifest", on: "linux/amd64", want: different, says: "different layers",
		},
		"configs of two algorithms, more layers": {
			source: spec + "descriptor.md#digests",
			graph: with(layered("config", "512 config"), func(g *identity.Graph) {
				g.AddConfig(dig("config"), on(t, "linux/amd64"), digs("layer 1"))
				g.AddConfig(dig("512 config"), on(t, "linux/amd64"), digs("layer 1", "512 layer"))
			}), a: "config manifest", b: "512 config manifest", on: "linux/amd64", want: different, says: "different layers",
		},
		"configs of two algorithms, the same layers": {
			source: spec + "descriptor.md#digests",
			graph: with(layered("config", "512 config"), func(g *identity.Graph) {
				g.AddConfig(dig("config"), on(t, "linux/amd64"), digs("layer 1"))
				g.AddConfig(dig("512 config"), on(t, "linux/amd64"), digs("layer 1"))
			}), a: "config manifest", b: "512 config manifest", on: "linux/amd64", want: unknown, says: "the layers are equal, but the configs",
		},
		"configs and layers of two algorithms": {
			source: spec + "descriptor.md#digests",
			graph: with(layered("config", "512 config"), func(g *identity.Graph) {
				g.AddConfig(dig("config"), on(t, "linux/amd64"), digs("layer 1"))
				g.AddConfig(dig("512 config"), on(t, "linux/amd64"), digs("512 layer"))
			}), a: "config manifest", b: "512 config manifest", on: "linux/amd64", want: unknown, says: "named by different algorithms",
		},
		"an index by two algorithms": {
			source: spec + "descriptor.md#digests",
			graph:  graph(index(t, "512 index", amd, arm), multi(t)), a: "512 index", b: "index", on: "linux/amd64", want: same, says: "both indexes",
		},
		"two algorithms and nothing else": {
			source: spec + "descriptor.md#digests",
			graph:  graph(), a: "512 amd", b: "amd", on: "linux/amd64", want: unknown, says: "no registry",
		},
		"manifests of two algorithms, different configs": {
			source: spec + "descriptor.md#digests",
			graph:  graph(manifest(t, "512 amd", "amd config"), manifest(t, "other", "other config")), a: "512 amd", b: "other", on: "linux/amd64", want: different, says: "different configs",
		},

		"a child that a registry lost is still what the index lists": {
			source: "https://github.com/nfrastack/db-backup/issues/575",
			graph:  graph(index(t, "index", child{"linux/amd64", "amd", ""})), a: "index", b: "amd", on: "linux/amd64", want: same, says: "child of index",
		},
		"a child that a registry lost is not different from anything": {
			source: "https://github.com/nfrastack/db-backup/issues/575",
			graph:  graph(index(t, "index", child{"linux/amd64", "amd", ""}), manifest(t, "other", "other config")), a: "index", b: "other", on: "linux/amd64", want: unknown,
			says: "the manifest " + string(dig("amd")) + ", or its config, was not read",
		},
		"two children that a registry lost": {
			source: "https://github.com/nfrastack/db-backup/issues/575",
			graph:  graph(index(t, "index", child{"linux/amd64", "amd", ""}, child{"linux/arm64", "arm", ""})), a: "amd", b: "arm", on: "linux/amd64", want: unknown,
			says: "is listed by an index but was not read",
		},
		"an entry without a usable digest may be the one": {
			source: spec + "descriptor.md#digests",
			graph:  graph(index(t, "index", child{"linux/amd64", "", ""}, amd)), a: "index", b: "amd", on: "linux/amd64", want: unknown, says: "without a usable digest",
		},
		"only an entry without a usable digest": {
			source: spec + "descriptor.md#digests",
			graph:  graph(index(t, "index", child{"linux/amd64", "", ""}), manifest(t, "amd", "amd config")), a: "index", b: "amd", on: "linux/amd64", want: unknown, says: "without a usable digest",
		},
		"an index of which only the root was asked for": {
			source: "https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md",
			graph:  graph(fact.Image{Root: ref.Descriptor{Digest: dig("index")}, Class: fact.ClassIndex}, manifest(t, "amd", "amd config")),
			a:      "index", b: "amd", on: "linux/amd64", want: unknown, says: "was not looked at",
		},
		"a manifest of which only the root was asked for": {
			source: "https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md",
			graph:  graph(fact.Image{Root: ref.Descriptor{Digest: dig("amd")}, Class: fact.ClassImage}, manifest(t, "other", "other config")),
			a:      "amd", b: "other", on: "linux/amd64", want: unknown, says: "was not read",
		},
		"a nested index was not looked at on its own": {
			source: spec + "image-index.md",
			graph:  graph(nested(t)), a: "nested", b: "amd", on: "linux/amd64", want: unknown, says: "was not looked at on its own",
		},
		"an image in a nested index is an image of the index": {
			source: spec + "image-index.md",
			graph:  graph(nested(t)), a: "index", b: "amd", on: "linux/amd64", want: same, says: "child of index",
		},
		"an index and one nested in it": {
			source: spec + "image-index.md",
			graph:  graph(nested(t), index(t, "nested", amd)), a: "index", b: "nested", on: "linux/amd64", want: same, says: "both indexes list",
		},
		"artifacts share the empty config": {
			source: spec + "manifest.md#guidance-for-an-empty-descriptor",
			graph:  graph(artifact("chart 1"), artifact("chart 2")), a: "chart 1", b: "chart 2", on: "linux/amd64", want: unknown, says: "of class artifact",
		},
		"an artifact is not its config": {
			source: spec + "manifest.md#guidance-for-an-empty-descriptor",
			graph:  graph(artifact("chart 1")), a: "chart 1", b: "{}", on: "linux/amd64", want: unknown, says: "no registry",
		},
		"an artifact beside the image": {
			source: spec + "image-index.md (unknown media types are no error)",
			graph: graph(func() fact.Image {
				img := multi(t)
				img.Others = append(img.Others, artifact("chart").Others...)
				return img
			}()), a: "index", b: "amd", on: "linux/amd64", want: same, says: "child of",
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); c.check(t) })
	}
}

func nested(t *testing.T) fact.Image {
	img := index(t, "index", child{"linux/amd64", "amd", "amd config"})
	img.Others = append(img.Others, fact.Child{Class: fact.ClassIndex, Manifest: dig("nested")})
	return img
}

func artifact(root string) fact.Image {
	return fact.Image{Root: ref.Descriptor{Digest: dig(root)}, Class: fact.ClassArtifact,
		Others: []fact.Child{{Class: fact.ClassArtifact, Manifest: dig(root), Config: dig("{}")}}}
}

// An index that was cut proves nothing but itself: what is missing might be for
// the same platform.
func TestCompareIncompleteIndexes(t *testing.T) {
	t.Parallel()
	cut := multi(t)
	cut.Incomplete = "number of index children exceeds the limit of 1000"
	other := manifest(t, "other", "other config")
	for name, c := range map[string]comparison{
		"itself":           {graph: graph(cut), a: "index", b: "index", on: "linux/amd64", want: same},
		"a child":          {graph: graph(cut), a: "index", b: "amd", on: "linux/amd64", want: unknown, says: "exceeds the limit of 1000"},
		"no child":         {graph: graph(cut, other), a: "index", b: "other", on: "linux/amd64", want: unknown, says: "exceeds the limit of 1000"},
		"what it led to":   {graph: graph(cut), a: "amd", b: "amd config", on: "linux/amd64", want: same},
		"read again whole": {graph: graph(cut, multi(t)), a: "index", b: "amd", on: "linux/amd64", want: same},
		"whole, then cut":  {graph: graph(multi(t), cut), a: "index", b: "amd", on: "linux/amd64", want: same},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); c.check(t) })
	}
}

// A manifest may name anything as its config: another image's manifest, so that
// the two look alike or that nothing can be said about the other any more.
func TestCompareConfigsThatAreNone(t *testing.T) {
	t.Parallel()
	evil := manifest(t, "evil", "amd") // its config is a manifest
	for name, c := range map[string]comparison{
		"the evil one is not the other":       {graph: graph(multi(t), evil), a: "evil", b: "amd", on: "linux/amd64", want: unknown, says: "was not read"},
		"nor its index":                       {graph: graph(multi(t), evil), a: "evil", b: "index", on: "linux/amd64", want: unknown, says: "was not read"},
		"the other stays what it is":          {graph: graph(multi(t), evil), a: "index", b: "amd", on: "linux/amd64", want: same},
		"and different from what it was":      {graph: graph(multi(t), evil, manifest(t, "other", "other config")), a: "amd", b: "other", on: "linux/amd64", want: different},
		"an index as config":                  {graph: graph(multi(t), manifest(t, "evil", "index")), a: "evil", b: "index", on: "linux/amd64", want: unknown},
		"itself as config":                    {graph: graph(manifest(t, "evil", "evil"), multi(t)), a: "evil", b: "amd", on: "linux/amd64", want: unknown},
		"read as an index and as a manifest":  {graph: graph(multi(t), manifest(t, "index", "x")), a: "index", b: "amd", on: "linux/amd64", want: unknown, says: "two kinds of document at once"},
		"read as a manifest and as a config":  {graph: read(graph(multi(t)), "amd"), a: "amd", b: "arm", on: "linux/amd64", want: unknown, says: "two kinds of document at once"},
		"the config was never read":           {graph: graph(multi(t), manifest(t, "other", "x")), a: "x", b: "amd", on: "linux/amd64", want: unknown, says: "the config " + string(dig("x")) + " was not read"},
		"an attestation's config is no image": {graph: graph(multi(t)), a: "index attestation config", b: "index", on: "linux/amd64", want: unknown, says: "no registry"},
	} {
		c.source = "https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m"
		t.Run(name, func(t *testing.T) { t.Parallel(); c.check(t) })
	}
}

// The same bytes are told more than once, by those who read more or less of
// them.
func TestAddingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	less := multi(t)
	less.Platforms[0].Config, less.Platforms[1].Config = "", ""
	none := fact.Image{Root: ref.Descriptor{Digest: dig("index")}, Class: fact.ClassIndex}
	for _, g := range []*identity.Graph{graph(multi(t), less, none), graph(none, less, multi(t)), graph(less, multi(t), multi(t))} {
		g.AddConfig(dig("amd config"), ref.Platform{}, nil)
		g.AddConfig(dig("amd config"), on(t, "linux/amd64"), digs("layer"))
		g.AddConfig("", on(t, "linux/amd64"), digs("layer"))
		g.AddImage(fact.Image{Class: fact.ClassImage})
		if got := g.Compare(dig("index"), dig("amd config"), on(t, "linux/amd64")); got.Answer != same {
			t.Errorf("%+v", got)
		}
	}
}
