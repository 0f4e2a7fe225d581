package scan_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/internal/testimage"
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
