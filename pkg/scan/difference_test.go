package scan_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
)

func TestDifferenceBetweenImages(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	pack := func(tag string, img testimage.Image) ref.Digest {
		b := build(t, testimage.Spec{Images: []testimage.Image{img}, Index: true})
		e.put(t, "acme/app", tag, b)
		return b.Root.Descriptor.Digest
	}
	recompressed := app("one")
	for i := range recompressed.Layers {
		recompressed.Layers[i].Compression = "zstd"
	}
	labelled := app("one")
	labelled.Config.Labels = map[string]string{"revision": "2"}
	one, two := pack("one", app("one")), pack("two", app("two"))
	gone := ref.Digest("sha256:" + strings.Repeat("0", 64))
	shallow := e.options
	shallow.Depth = policy.DepthManifest
	for name, tt := range map[string]struct {
		before, after ref.Digest
		options       scan.Options
		want          difference.Kind
		says          string
	}{
		"code":              {one, two, e.options, difference.Code, "1 executable: /bin/app changed"},
		"layers not wanted": {one, two, shallow, difference.Unknown, "1 of 2 layers are new"},
		"recompressed":      {one, pack("z", recompressed), shallow, difference.Compression, "compressed anew"},
		"labels":            {one, pack("l", labelled), shallow, difference.Labels, "labels: revision added"},
		"nothing":           {one, one, e.options, difference.Same, ""},
		"former image gone": {gone, one, e.options, difference.Unknown, "the former image: "},
	} {
		target := e.target(t, "acme/app")
		got := scan.Difference(t.Context(), target.Place, target.Ref.Canonical(), tt.before, tt.after, tt.options)
		said := strings.Join(got.NotCompared, "\n")
		for _, c := range got.Changes {
			said += "\n" + c.Text
		}
		if got.Kind != tt.want || !strings.Contains(said, tt.says) {
			t.Errorf("%s: %q: %s", name, got.Kind, said)
		}
	}
}

// A store of documents that counts, and may lie.
type documents struct {
	kept map[ref.Digest][]byte
	lies bool
}

func (d *documents) Load(of ref.Digest) ([]byte, bool) {
	b, ok := d.kept[of]
	if ok && d.lies {
		b = append([]byte(" "), b...)
	}
	return b, ok
}

func (d *documents) Keep(of ref.Digest, b []byte) { d.kept[of] = b }

// A manifest that is kept is not asked for again, which a registry may count as a
// pull; one that is not what it should be is.
func TestDifferenceAsksForNoManifestThatIsKept(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		index, lies bool
		requests    int // for manifests
	}{
		"images":  {false, false, 0},
		"indexes": {true, false, 0},
		"lies":    {false, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			store := &documents{kept: map[ref.Digest][]byte{}}
			e.options.Documents, e.options.Jobs = store, 1
			var digests []ref.Digest
			for _, content := range []string{"one", "two"} {
				b := build(t, testimage.Spec{Images: []testimage.Image{app(content)}, Index: tt.index})
				e.put(t, "acme/app", content, b)
				digests = append(digests, b.Root.Descriptor.Digest)
			}
			target := e.target(t, "acme/app")
			compare := func() difference.Result {
				return scan.Difference(t.Context(), target.Place, target.Ref.Canonical(), digests[0], digests[1], e.options)
			}
			if got := compare(); got.Kind != difference.Code {
				t.Fatalf("%+v", got)
			}
			store.lies = tt.lies
			e.server.Forget()
			if got := compare(); got.Kind != difference.Code || len(got.NotCompared) > 0 {
				t.Errorf("%+v", got)
			}
			if n := e.server.Count("", testregistry.ManifestDigest); n != tt.requests {
				t.Errorf("asked %d times, not %d", n, tt.requests)
			}
		})
	}
}
