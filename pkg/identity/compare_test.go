package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

// A comparison is one question to a graph.
type comparison struct {
	source string
	graph  *identity.Graph
	a, b   string
	on     string
	want   fact.Answer
	says   string // part of the proof, or of what is missing
}

func (c comparison) check(t *testing.T) {
	t.Helper()
	platform := ref.Platform{}
	if c.on != "" {
		platform = on(t, c.on)
	}
	got := c.graph.Compare(dig(c.a), dig(c.b), platform)
	if got.Answer != c.want || (got.Answer == fact.AnswerUnknown) != (got.Proof == "") || (got.Answer == fact.AnswerUnknown) != (got.Why != "") {
		t.Fatalf("%s and %s on %q: %+v, want %q\nsee %s", c.a, c.b, c.on, got, c.want, c.source)
	}
	if !strings.Contains(got.Proof+got.Why, c.says) {
		t.Errorf("%s and %s on %q: %+v does not say %q", c.a, c.b, c.on, got, c.says)
	}
	if d := cmp.Diff(got, c.graph.Compare(dig(c.b), dig(c.a), platform)); d != "" {
		t.Errorf("the other way round (-%s, %s +%s, %s):\n%s", c.a, c.b, c.b, c.a, d)
	}
}

const (
	same      = fact.AnswerSame
	different = fact.AnswerDifferent
	unknown   = fact.AnswerUnknown
)

// multi is an image for two platforms, as most are.
func multi(t *testing.T) fact.Image {
	t.Helper()
	return index(t, "index", child{"linux/amd64", "amd", "amd config"}, child{"linux/arm64", "arm", "arm config"})
}

// What runtimes report, compared with what is declared.
func TestCompareWhatRuntimesReport(t *testing.T) {
	t.Parallel()
	repacked := graph(multi(t), manifest(t, "repacked", "amd config"))
	for name, c := range map[string]comparison{
		"containerd reports the index": {
			source: "https://github.com/containerd/containerd/issues/12787",
			graph:  graph(multi(t)), a: "index", b: "index", on: "linux/amd64", want: same, says: "equal digest",
		},
		"index declared, the node's manifest runs": {
			source: "https://github.com/jetstack/version-checker/issues/363",
			graph:  graph(multi(t)), a: "index", b: "amd", on: "linux/amd64", want: same,
			says: "child of index " + string(dig("index")) + " for linux/amd64",
		},
		"manifest pinned, the index is reported": {
			source: "https://github.com/apecloud/kubeblocks/issues/10689",
			graph:  graph(multi(t)), a: "arm", b: "index", on: "linux/arm64", want: same, says: "for linux/arm64",
		},
		"side-loaded: only the config is known": {
			source: "https://github.com/kubernetes/kubernetes/issues/115199",
			graph:  graph(multi(t)), a: "index", b: "amd config", on: "linux/amd64", want: same,
			says: "config of the child of index " + string(dig("index")) + " for linux/amd64",
		},
		"image_id is the config of the platform's manifest": {
			source: "https://github.com/containerd/containerd/issues/12787",
			graph:  graph(multi(t)), a: "amd", b: "amd config", on: "linux/amd64", want: same,
			says: "config of manifest " + string(dig("amd")),
		},
		"bare ID after a restart of CRI-O": {
			source: "https://github.com/cri-o/cri-o/issues/9987",
			graph:  graph(multi(t)), a: "amd config", b: "index", on: "linux/amd64", want: same, says: "config of the child",
		},
		"the first of several repo digests is another manifest of the same config": {
			source: "https://github.com/cri-o/cri-o/issues/9683",
			graph:  repacked, a: "amd", b: "repacked", on: "linux/amd64", want: same, says: "same config " + string(dig("amd config")),
		},
		"a repo digest of another manifest, the index declared": {
			source: "https://github.com/stackrox/stackrox/issues/2998",
			graph:  repacked, a: "index", b: "repacked", on: "linux/amd64", want: same, says: "as the child of index",
		},
		"a digest that was never on a registry": {
			source: "https://github.com/cri-o/cri-o/issues/5479",
			graph:  graph(multi(t)), a: "index", b: "made up", on: "linux/amd64", want: unknown,
			says: string(dig("made up")) + " is in no registry that was asked",
		},
		"converted from schema 1: the node made the config": {
			source: "https://github.com/containerd/containerd/issues/8408",
			graph:  graph(), a: "schema 1", b: "made config", on: "linux/amd64", want: unknown, says: "no registry",
		},
		"Docker's image ID in the graph driver's store": {
			source: "https://github.com/docker/cli/issues/5526",
			graph:  graph(multi(t)), a: "amd", b: "amd config", on: "linux/amd64", want: same, says: "config of manifest",
		},
		"Docker's image ID in the containerd store": {
			source: "https://github.com/moby/moby/issues/45122",
			graph:  graph(multi(t)), a: "index", b: "index", on: "linux/amd64", want: same, says: "equal digest",
		},
		"both stores of Docker have the same image": {
			source: "https://github.com/docker/cli/issues/5526",
			graph:  graph(multi(t)), a: "amd config", b: "index", on: "linux/amd64", want: same, says: "config of the child",
		},
		"a repo digest of Docker is a manifest where the index was pulled": {
			source: "https://github.com/moby/moby/issues/44144",
			graph:  graph(multi(t)), a: "index", b: "amd", on: "linux/amd64", want: same, says: "child of index",
		},
		"Podman by ID and by name": {
			source: "https://github.com/podman-container-tools/podman/issues/24858",
			graph:  repacked, a: "repacked", b: "amd config", on: "linux/amd64", want: same, says: "config of manifest",
		},
		"an image ID of containers/storage that is no config (zstd:chunked)": {
			source: "https://github.com/containers/image/blob/v5.36.0/storage/storage_dest.go",
			graph:  graph(multi(t)), a: "index", b: "table of contents", on: "linux/amd64", want: unknown, says: "no registry",
		},
		"nothing was reported": {
			source: "https://github.com/kubernetes/api/blob/v0.34.0/core/v1/types.go (imageID of a waiting container)",
			graph:  graph(multi(t)), a: "index", b: "", on: "linux/amd64", want: unknown, says: "no digest is known",
		},
		"another image runs": {
			source: "https://github.com/timdaman/check_docker/issues/110",
			graph:  graph(multi(t), manifest(t, "other", "other config")), a: "index", b: "other", on: "linux/amd64", want: different,
			says: "different configs: " + string(dig("other config")) + " is not " + string(dig("amd config")),
		},
		"the config of another image runs": {
			source: "https://github.com/kubernetes/kubernetes/issues/95968",
			graph:  read(graph(multi(t), manifest(t, "other", "other config")), "other config"), a: "amd", b: "other config", on: "linux/amd64", want: different,
			says: "different configs",
		},
		"only that it is no manifest of the image is known": {
			source: "https://github.com/kubernetes/kubernetes/issues/108689",
			graph:  graph(manifest(t, "amd", "amd config")), a: "amd", b: "other", on: "linux/amd64", want: unknown, says: "no registry",
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); c.check(t) })
	}
}

// What an index says about the platform of the node.
func TestComparePlatforms(t *testing.T) {
	t.Parallel()
	const spec = "https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions"
	const order = "https://github.com/containerd/platforms/blob/v1.0.0-rc.5/compare.go"
	twins := graph(index(t, "index", child{"linux/amd64", "one", "one config"}, child{"linux/amd64", "two", "two config"}), manifest(t, "other", "other config"))
	packings := graph(index(t, "index", child{"linux/amd64", "gzip", "config"}, child{"linux/amd64", "zstd", "config"}))
	arms := graph(index(t, "index", child{"linux/arm/v6", "v6", "v6 config"}, child{"linux/arm/v7", "v7", "v7 config"}))
	fallback := graph(index(t, "index", child{"linux/arm/v5", "v5", "v5 config"}, child{"linux/arm/v6", "v6", "v6 config"}, child{"linux/386", "386", "386 config"}))
	for name, c := range map[string]comparison{
		"two images for the platform": {
			source: spec, graph: twins, a: "index", b: "one", on: "linux/amd64", want: unknown,
			says: "lists 2 images that a runtime may take for linux/amd64: " + string(dig("one")) + ", " + string(dig("two")),
		},
		"neither of two images for the platform": {
			source: spec, graph: twins, a: "index", b: "other", on: "linux/amd64", want: different, says: "all configs are different",
		},
		"two packings of one image for the platform": {
			source: "https://github.com/containers/image/blob/v5.36.0/internal/manifest/oci_index.go (zstd is preferred)",
			graph:  packings, a: "index", b: "zstd", on: "linux/amd64", want: same, says: "child of index",
		},
		"the node's platform, not another one's": {
			source: "https://github.com/apecloud/kubeblocks/issues/10689",
			graph:  graph(multi(t)), a: "index", b: "arm", on: "linux/amd64", want: different, says: "lists it for linux/arm64, not for linux/amd64",
		},
		"the config of another platform": {
			source: "https://github.com/apecloud/kubeblocks/issues/10689",
			graph:  read(graph(multi(t)), "arm config"), a: "index", b: "arm config", on: "linux/amd64", want: different, says: "lists it for linux/arm64",
		},
		"no image for the node": {
			source: "https://github.com/getwud/wud (Registry.ts takes the first one; an index without a match proves nothing)",
			graph:  graph(multi(t)), a: "index", b: "amd", on: "linux/s390x", want: unknown,
			says: "lists no image for linux/s390x; it has linux/amd64, linux/arm64",
		},
		"no image for the node, and no image of the index runs": {
			source: spec, graph: graph(multi(t), manifest(t, "other", "other config")), a: "index", b: "other", on: "linux/s390x", want: different, says: "all configs",
		},
		"the platform is spelt otherwise": {
			source: "https://github.com/containerd/platforms/blob/v1.0.0-rc.5/database.go",
			graph:  graph(multi(t)), a: "index", b: "arm", on: "linux/aarch64/v8", want: same, says: "child of index",
		},
		"the node's variant decides": {
			source: order, graph: arms, a: "index", b: "v7", on: "linux/arm/v7", want: same, says: "for linux/arm/v7",
		},
		"the node's variant is not known": {
			source: order, graph: arms, a: "index", b: "v7", on: "linux/arm", want: unknown, says: "2 images that a runtime may take for linux/arm",
		},
		"the best lower variant": {
			source: order, graph: fallback, a: "index", b: "v6", on: "linux/arm/v7", want: same, says: "child of index",
		},
		"a lower variant that is not the best": {
			source: order, graph: fallback, a: "index", b: "v5", on: "linux/arm/v7", want: different, says: "lists it for linux/arm/v5, not for linux/arm/v7",
		},
		"32 bits where there is nothing else": {
			source: order, graph: fallback, a: "index", b: "386", on: "linux/amd64", want: same, says: "child of index",
		},
		"32-bit arm on arm64": {
			source: order, graph: fallback, a: "index", b: "v6", on: "linux/arm64", want: same, says: "child of index",
		},
		"never a higher variant": {
			source: order, graph: arms, a: "index", b: "v7", on: "linux/arm/v5", want: unknown, says: "lists no image for linux/arm/v5",
		},
		"no platform stated, the config says it": {
			source: "https://github.com/containerd/containerd/blob/v2.4.2/core/images/image.go",
			graph: func() *identity.Graph {
				g := graph(index(t, "index", child{"", "amd", "amd config"}, child{"", "arm", "arm config"}))
				g.AddConfig(dig("amd config"), on(t, "linux/amd64"), nil)
				g.AddConfig(dig("arm config"), on(t, "linux/arm64"), nil)
				return g
			}(), a: "index", b: "arm", on: "linux/arm64", want: same, says: "child of index",
		},
		"no platform stated, the config says another": {
			source: "https://github.com/containerd/containerd/blob/v2.4.2/core/images/image.go",
			graph: func() *identity.Graph {
				g := graph(index(t, "index", child{"", "amd", "amd config"}))
				g.AddConfig(dig("amd config"), on(t, "linux/amd64"), nil)
				return g
			}(), a: "index", b: "amd", on: "linux/arm64", want: unknown, says: "lists no image for linux/arm64",
		},
		"no platform stated, the config was not read": {
			source: spec, graph: graph(index(t, "index", child{"", "amd", "amd config"})), a: "index", b: "amd", on: "linux/amd64", want: unknown,
			says: "does not say which platform " + string(dig("amd")) + " is for",
		},
		"one stated and one not": {
			source: spec, graph: graph(index(t, "index", child{"linux/amd64", "amd", "amd config"}, child{"", "any", "any config"})),
			a: "index", b: "amd", on: "linux/amd64", want: unknown, says: "2 images",
		},
		"a platform of which nobody knows, every image agrees": {
			source: spec, graph: packings, a: "index", b: "gzip", on: "", want: same, says: "for every platform",
		},
		"a platform of which nobody knows, images differ": {
			source: spec, graph: graph(multi(t)), a: "index", b: "amd", on: "", want: unknown,
			says: "2 images that a runtime may take on a node whose platform is not known",
		},
		"a platform of which nobody knows, no image of the index runs": {
			source: spec, graph: graph(multi(t), manifest(t, "other", "other config")), a: "index", b: "other", on: "", want: different, says: "all configs",
		},
		"a platform of which nobody knows, two manifests": {
			source: spec, graph: graph(multi(t)), a: "amd", b: "arm", on: "", want: different, says: "different configs",
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); c.check(t) })
	}
}

// Of Windows the build decides: kubelets report the patch level as well.
func TestCompareWindowsBuilds(t *testing.T) {
	t.Parallel()
	img := index(t, "index", child{"windows/amd64", "2019", "2019 config"}, child{"windows/amd64", "2022", "2022 config"})
	img.Platforms[0].Platform.OSVersion = "10.0.17763.6532"
	img.Platforms[1].Platform.OSVersion = "10.0.20348.2849"
	unversioned := index(t, "index", child{"windows/amd64", "2022", "2022 config"})
	node := func(version string) ref.Platform {
		return ref.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}
	}
	for _, tt := range []struct {
		img  fact.Image
		b    string
		on   ref.Platform
		want fact.Answer
	}{
		{img, "2022", node("10.0.20348.1"), same},
		{img, "2019", node("10.0.20348.1"), different},
		{img, "2022", node("10.0.26100.1"), unknown},
		{img, "2022", node(""), unknown},
		{unversioned, "2022", node("10.0.20348.1"), unknown},
		{unversioned, "2022", node(""), same},
	} {
		if got := graph(tt.img).Compare(dig("index"), dig(tt.b), tt.on); got.Answer != tt.want {
			t.Errorf("%s on %s: %+v, want %q", tt.b, tt.on, got, tt.want)
		}
	}
	linux := on(t, "linux/amd64")
	linux.OSVersion = "6.1.0"
	if got := graph(multi(t)).Compare(dig("index"), dig("amd"), linux); got.Answer != same {
		t.Errorf("a kernel's version counts: %+v", got)
	}
}
