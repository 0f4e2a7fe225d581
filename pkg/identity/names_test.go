package identity_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	g := read(graph(multi(t), nested(t), artifact("chart"), manifest(t, "evil", "amd")), "alone")
	other := index(t, "other", child{"linux/amd64", "lost", ""})
	other.Others = append(other.Others, fact.Child{Manifest: dig("no class"), Config: dig("no config")})
	g.AddImage(other)
	for name, want := range map[string]fact.DigestKind{
		"index": fact.DigestIndex, "nested": fact.DigestIndex,
		"amd": fact.DigestManifest, // and what a manifest names as its config
		"arm": fact.DigestManifest, "index attestation": fact.DigestManifest, "chart": fact.DigestManifest,
		"amd config": fact.DigestConfig, "alone": fact.DigestConfig,
		"lost": "", "no class": "", "no config": "", "never seen": "", "{}": "", "": "",
	} {
		if got := g.KindOf(dig(name)); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	amd := child{"linux/amd64", "amd", "amd config"}
	zstd := child{"linux/amd64", "zstd", "amd config"}
	twin := child{"linux/amd64", "twin", "twin config"}
	cut := multi(t)
	cut.Incomplete = "depth"
	type names struct{ index, manifest, config string }
	for title, tt := range map[string]struct {
		graph *identity.Graph
		d, on string
		want  names
	}{
		"an index":                                          {graph(multi(t)), "index", "linux/amd64", names{"index", "amd", "amd config"}},
		"an index on no known platform":                     {graph(multi(t)), "index", "", names{"index", "", ""}},
		"an index without that platform":                    {graph(multi(t)), "index", "linux/s390x", names{"index", "", ""}},
		"a manifest":                                        {graph(multi(t)), "arm", "linux/arm64", names{"index", "arm", "arm config"}},
		"a manifest on the wrong platform":                  {graph(multi(t)), "arm", "linux/amd64", names{"", "arm", "arm config"}},
		"a manifest of no index":                            {graph(manifest(t, "amd", "amd config")), "amd", "linux/amd64", names{"", "amd", "amd config"}},
		"a manifest of two indexes":                         {graph(multi(t), index(t, "new", amd)), "amd", "linux/amd64", names{"", "amd", "amd config"}},
		"a manifest of one index for it":                    {graph(multi(t), index(t, "new", amd, twin)), "amd", "linux/amd64", names{"index", "amd", "amd config"}},
		"a config":                                          {graph(multi(t)), "amd config", "linux/amd64", names{"index", "amd", "amd config"}},
		"a config of no manifest":                           {read(graph(), "alone"), "alone", "linux/amd64", names{"", "", "alone"}},
		"a config of two manifests":                         {graph(multi(t), manifest(t, "zstd", "amd config")), "amd config", "linux/amd64", names{"index", "amd", "amd config"}},
		"a config of two manifests, no index":               {graph(manifest(t, "amd", "amd config"), manifest(t, "zstd", "amd config")), "amd config", "linux/amd64", names{"", "", "amd config"}},
		"a config of two packings in an index":              {graph(index(t, "index", amd, zstd)), "amd config", "linux/amd64", names{"index", "", "amd config"}},
		"two packings in an index":                          {graph(index(t, "index", amd, zstd)), "index", "linux/amd64", names{"index", "", "amd config"}},
		"two images for the platform":                       {graph(index(t, "index", amd, twin)), "index", "linux/amd64", names{"index", "", ""}},
		"a platform that is not stated":                     {graph(index(t, "index", child{"", "amd", "amd config"})), "index", "linux/amd64", names{"index", "", ""}},
		"a manifest of an index that does not say what for": {graph(index(t, "index", child{"", "amd", "amd config"})), "amd", "linux/amd64", names{"", "amd", "amd config"}},
		"a config of what is two kinds at once":             {graph(multi(t), manifest(t, "index", "x")), "x", "linux/amd64", names{"", "", "x"}},
		"a child that was not read":                         {graph(index(t, "index", child{"linux/amd64", "amd", ""})), "index", "linux/amd64", names{"index", "amd", ""}},
		"an index that was cut":                             {graph(cut), "index", "linux/amd64", names{"index", "", ""}},
		"a child of an index that was cut":                  {graph(cut), "amd", "linux/amd64", names{"", "amd", "amd config"}},
		"a manifest as config":                              {graph(multi(t), manifest(t, "evil", "amd")), "evil", "linux/amd64", names{"", "evil", ""}},
		"a manifest that another has as config":             {graph(multi(t), manifest(t, "evil", "amd")), "amd", "linux/amd64", names{"index", "amd", "amd config"}},
		"what nobody knows":                                 {graph(multi(t)), "never seen", "linux/amd64", names{}},
	} {
		index, manifest, config := tt.graph.Names(dig(tt.d), on(t, tt.on))
		got, want := [3]ref.Digest{index, manifest, config}, [3]ref.Digest{dig(tt.want.index), dig(tt.want.manifest), dig(tt.want.config)}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", title, d)
		}
	}
}

func TestGraphIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var g identity.Graph
	linux := on(t, "linux/amd64")
	img := multi(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				g.AddImage(img)
				g.AddConfig(dig("amd config"), linux, digs("layer"))
				g.Compare(dig("index"), dig("amd config"), linux)
				g.Names(dig("amd"), linux)
				g.KindOf(dig("amd"))
			}
		})
	}
	wg.Wait()
	if got := g.Compare(dig("index"), dig("amd config"), linux); got.Answer != same {
		t.Errorf("%+v", got)
	}
}
