//go:build e2e && linux

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
)

// harmless are the modes of the test registry that change nothing about what is
// served in the end: a scan may find nothing wrong. All others, those too that
// are added later, must never be allowed.
var harmless = map[string]string{
	"cut-once":           "the second try is whole",
	"flaky":              "the third try is honest",
	"rate-limited-twice": "the third try is honest",
	"redirect-blob":      "the same bytes from the same host",
	"slow-manifest":      "the bytes come before the time is up",
	"no-head":            "the tag can be asked for with GET",
	"partial":            "all bytes come",
	"no-type":            "the bytes say what they are",
	"by-accept":          "one GET decides",
	"by-agent":           "likewise",
	"by-range":           "no range is asked for",
}

// wrongBytes are modes that hand out whole, wrong content: a finding, not a
// question left open.
var wrongBytes = []string{
	"wrong-child", "wrong-config", "wrong-layer", "tag-flip", "head-lies", "gone-layers", "gone-config",
}

func testHostile(t *testing.T, g *ground) {
	server := testregistry.New(t, testregistry.Options{})
	repository := func(mode string) string { return "hostile/" + mode }
	modes := slices.DeleteFunc(testregistry.Modes(), func(m string) bool { return strings.HasPrefix(m, "referrers-") })
	for _, mode := range modes {
		spec := app(mode, "linux/amd64", "linux/arm64")
		for i := range spec.Images { // enough to be slow with
			spec.Images[i].Layers = append(spec.Images[i].Layers, testimage.Layer{
				CreatedBy: "COPY data /", Compression: "none", Files: []testimage.File{{Path: "data", Size: 32 << 10}},
			})
		}
		must(testground.PushSpec(t.Context(), t.TempDir(), spec,
			server.Host+"/"+repository(mode)+":1.0.0"))(t)
	}
	for _, mode := range modes { // setting a mode starts the counters of all anew
		server.MustMode(t, repository(mode), mode)
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			timeout := "5s"
			if harmless[mode] != "" {
				timeout = "60s"
			}
			s := g.scan(t, "--timeout", timeout, "--platform", "all", server.Host+"/"+repository(mode)+":1.0.0")
			switch {
			case harmless[mode] != "":
				if s.code != 0 && s.code != 3 {
					t.Errorf("exit code %d, want 0 or 3: %s\n%s", s.code, harmless[mode], s.stdout)
				}
			case slices.Contains(wrongBytes, mode):
				if s.code != 1 {
					t.Errorf("exit code %d, want 1: %s\n%s", s.code, testregistry.Describe(mode), s.stdout)
				}
			case s.code != 1 && s.code != 3:
				t.Errorf("exit code %d, want 1 or 3: %s\n%s", s.code, testregistry.Describe(mode), s.stdout)
			}
		})
	}
}

// testHostileReferrers asks for a signature that exists as a referrer, of a
// registry that lies about referrers.
func testHostileReferrers(t *testing.T, g *ground) {
	want := map[string][]int{
		"":                      {0},
		"referrers-none":        {1, 3}, // and no fallback tag: nobody signed
		"referrers-405":         {1, 3},
		"referrers-see-other":   {1, 3},
		"referrers-429":         {3},
		"referrers-500":         {3},
		"referrers-403":         {3},
		"referrers-garbage":     {3},
		"referrers-hidden":      {1},
		"referrers-paged":       {0},
		"referrers-loop":        {0, 3}, // the signature is on every page
		"referrers-endless":     {3},
		"referrers-elsewhere":   {0, 3}, // the signature is on the first page
		"referrers-broken-page": {3},
		"referrers-lie":         {0}, // what is there counts, not what is said
		"referrers-unrelated":   {0, 3},
		"referrers-bad-digest":  {0, 3},
		"referrers-circle":      {0, 3},
	}
	server := testregistry.New(t, testregistry.Options{})
	repository := func(mode string) string { return strings.TrimSuffix("signed/"+mode, "/") }
	modes := slices.DeleteFunc(testregistry.Modes(), func(m string) bool { return !strings.HasPrefix(m, "referrers-") })
	modes = append(modes, "")
	for _, mode := range modes {
		ref := server.Host + "/" + repository(mode) + ":1.0.0"
		built := must(testground.PushSpec(t.Context(), t.TempDir(), app("signed"), ref))(t)
		ok(t, g.v3.SignV3(t.Context(), g.key, atDigest(ref, built)))
	}
	for _, mode := range modes {
		server.MustMode(t, repository(mode), mode)
	}
	for _, mode := range modes {
		t.Run("mode "+mode, func(t *testing.T) {
			t.Parallel()
			codes := want[mode]
			if codes == nil {
				codes = []int{1, 3} // a mode that is new here
			}
			s := g.scan(t, "--timeout", "60s", "--key", g.key.Public, "--insecure-ignore-tlog",
				server.Host+"/"+repository(mode)+":1.0.0")
			if !slices.Contains(codes, s.code) {
				t.Errorf("exit code %d, want one of %v: %s\n%s", s.code, codes, testregistry.Describe(mode), s.stdout)
			}
		})
	}
}

// testHostileDestination asks a registry that fails whether a push would
// overwrite a tag: not knowing is not permission.
func testHostileDestination(t *testing.T, g *ground) {
	server := testregistry.New(t, testregistry.Options{})
	dir := t.TempDir()
	ok(t, testimage.WriteLayout(dir, testimage.Entry{Built: must(testimage.Build(app("new")))(t), Name: "x"}))
	modes := []string{"rate-limited", "broken", "unauthorized", "forbidden", "silent", "hang-up",
		"redirect-loop", "redirect-metadata", "realm-elsewhere"}
	for _, mode := range modes {
		must(testground.PushSpec(t.Context(), t.TempDir(), app("old"), server.Host+"/to/"+mode+":1.0.0"))(t)
	}
	for _, mode := range modes {
		server.MustMode(t, "to/"+mode, mode)
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := g.scan(t, "--timeout", "5s", "--as", server.Host+"/to/"+mode+":1.0.0", "oci:"+dir)
			s.want(t, 3, nil, "UNDECIDED")
		})
	}
}
