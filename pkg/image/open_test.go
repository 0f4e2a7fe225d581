package image

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestOpenReadsEveryPlatformOfAnIndex(t *testing.T) {
	t.Parallel()
	m := newMemory()
	amd := on(m.image(t, "linux", "amd64", "a"), "linux", "amd64")
	arm := on(m.image(t, "linux", "arm64", "b"), "linux", "arm64")
	att := on(m.put(t, TypeOCIManifest, object{
		"schemaVersion": 2, "mediaType": TypeOCIManifest, "config": m.blob([]byte(`{}`), typeOCIConfig),
		"layers": []any{m.blob([]byte(`{"_type":"x"}`), typeInToto)},
	}), "unknown", "unknown")
	root := m.index(t, []ref.Descriptor{amd, arm, att}, "1.0.0")

	img, err := Open(t.Context(), m, mustRef(t, "example.com/app:1.0.0"), Options{Select: Selection{Host: ref.Platform{OS: "linux", Architecture: "arm64"}}})
	if err != nil {
		t.Fatal(err)
	}
	if img.Ref.String() != "example.com/app@"+string(root.Digest) {
		t.Errorf("pinned to %s, want the digest of the bytes", img.Ref)
	}
	type row struct {
		Platform string
		Class    fact.Class
		Selected bool
		User     string
	}
	var got []row
	for _, c := range img.Children {
		if c.Err != nil || c.ConfigErr != nil {
			t.Errorf("%s: %v %v", c.Platform, c.Err, c.ConfigErr)
		}
		got = append(got, row{c.Platform.String(), c.Class, c.Selected, c.Config.User})
	}
	want := []row{
		{"linux/amd64", fact.ClassImage, false, "1000"},
		{"linux/arm64", fact.ClassImage, true, "1000"},
		{"unknown/unknown", fact.ClassAttestation, false, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	tags := 0
	for _, r := range m.requests {
		if r == "manifest 1.0.0" {
			tags++
		}
	}
	if tags != 1 {
		t.Errorf("the tag was asked %d times, want once", tags)
	}
}

func TestOpenFollowsNothingBelowWrongBytes(t *testing.T) {
	t.Parallel()
	m := newMemory()
	good := m.image(t, "linux", "amd64", "good")
	bad := m.image(t, "linux", "amd64", "bad")
	m.manifests[string(good.Digest)] = m.manifests[string(bad.Digest)]
	m.requests = nil
	img, err := Open(t.Context(), m, mustRef(t, "example.com/app@"+string(good.Digest)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if img.Root.Right() || img.Root.Doc.Digest != bad.Digest || len(img.Children) != 0 || len(m.requests) != 1 {
		t.Errorf("right %v, digest %s, %d children, requests %q", img.Root.Right(), img.Root.Doc.Digest, len(img.Children), m.requests)
	}
}

func TestOpenHoldsASourceToItsOwnIndex(t *testing.T) {
	t.Parallel()
	m := newMemory()
	good := m.image(t, "linux", "amd64", "good")
	bad := m.image(t, "linux", "amd64", "bad")
	a := m.manifests[string(bad.Digest)]
	a.Wanted = good
	m.manifests["local"] = a
	img, err := Open(t.Context(), m, mustRef(t, "example.com/app:local"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if img.Root.Right() || img.Root.Doc.Wanted.Digest != good.Digest {
		t.Errorf("bytes that the source's index does not name were taken: %+v", img.Root.Doc)
	}
}

func TestOpenBoundsIndexes(t *testing.T) {
	t.Parallel()
	t.Run("depth", func(t *testing.T) {
		t.Parallel()
		m := newMemory()
		d := m.image(t, "linux", "amd64", "x")
		for range limits.IndexDepth + 1 {
			d = m.index(t, []ref.Descriptor{d}, "deep")
		}
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:deep"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if CauseOf(img.Incomplete) != fact.Limit {
			t.Errorf("incomplete: %v, want the depth limit", img.Incomplete)
		}
	})
	t.Run("children", func(t *testing.T) {
		t.Parallel()
		m := newMemory()
		var many []ref.Descriptor
		for i := range limits.IndexChildren + 1 {
			many = append(many, ref.Descriptor{MediaType: TypeOCIManifest, Digest: ref.DigestOf([]byte{byte(i), byte(i >> 8)}, ""), Size: 2})
		}
		m.index(t, many, "wide")
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:wide"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var exceeded *limits.ExceededError
		if !errors.As(img.Incomplete, &exceeded) || len(img.Children) != limits.IndexChildren {
			t.Errorf("%d children, incomplete %v", len(img.Children), img.Incomplete)
		}
	})
	t.Run("same_child_often", func(t *testing.T) {
		t.Parallel()
		m := newMemory()
		d := m.image(t, "linux", "amd64", "x")
		m.index(t, []ref.Descriptor{d, d, d}, "dag")
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:dag"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(img.Children) != 1 {
			t.Errorf("%d children, want each digest once", len(img.Children))
		}
	})
}

func TestOpenRecordsWhatIsMissing(t *testing.T) {
	t.Parallel()
	m := newMemory()
	amd := on(m.image(t, "linux", "amd64", "a"), "linux", "amd64")
	gone := on(ref.Descriptor{MediaType: TypeOCIManifest, Digest: ref.DigestOf([]byte("gone"), ""), Size: 4}, "linux", "arm64")
	m.index(t, []ref.Descriptor{amd, gone}, "t")
	img, err := Open(t.Context(), m, mustRef(t, "example.com/app:t"), Options{Select: Selection{Only: []ref.Platform{{OS: "linux", Architecture: "s390x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := CauseOf(img.Children[1].Err); got != fact.NotFound {
		t.Errorf("missing child: cause %q", got)
	}
	last := img.Children[len(img.Children)-1]
	if !last.Selected || last.Err == nil || !strings.Contains(last.Err.Error(), "linux/amd64, linux/arm64") {
		t.Errorf("a platform that does not exist must be a selected child with an error, got %+v", last)
	}
}

func TestOpenReportsPlatformLies(t *testing.T) {
	t.Parallel()
	m := newMemory()
	a := on(m.image(t, "linux", "arm64", "a"), "linux", "amd64")
	b := on(m.image(t, "linux", "amd64", "b"), "linux", "amd64")
	m.index(t, []ref.Descriptor{a, b}, "t")
	img, err := Open(t.Context(), m, mustRef(t, "example.com/app:t"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !hasProblem(img.Root.Doc.Problems, fact.ProblemAmbiguous, "two images for linux/amd64") {
		t.Errorf("clash not reported: %+v", img.Root.Doc.Problems)
	}
	if !hasProblem(img.Children[0].ConfigDoc.Problems, fact.ProblemMediaType, "the config says linux/arm64") {
		t.Errorf("lie not reported: %+v", img.Children[0].ConfigDoc.Problems)
	}
}

// kept returns what was stored, and lies where a test says so.
type kept map[ref.Digest][]byte

func (k kept) Load(d ref.Digest) ([]byte, bool) { b, ok := k[d]; return b, ok }
func (k kept) Keep(d ref.Digest, b []byte)      { k[d] = b }

func TestOpenHashesWhatTheStoreKept(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.image(t, "linux", "amd64", "a", "t")
	m.index(t, []ref.Descriptor{on(d, "linux", "amd64")}, "i")
	store := kept{}
	open := func() *Image {
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:i"), Options{Documents: store, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	open()
	m.requests = nil
	if img := open(); len(m.requests) != 1 || !img.Children[0].FromStore || !img.Children[0].ConfigOK {
		t.Errorf("second time: requests %q, want the tag only", m.requests)
	}
	for k := range store {
		store[k] = []byte(`{"schemaVersion":2}`)
	}
	m.requests = nil
	if img := open(); len(m.requests) != 3 || !img.Children[0].Manifest.Right() {
		t.Errorf("tampered store: requests %q, want everything asked again", m.requests)
	}
}

func hasProblem(ps []fact.Problem, kind fact.ProblemKind, part string) bool {
	for _, p := range ps {
		if p.Kind == kind && strings.Contains(p.Detail, part) {
			return true
		}
	}
	return false
}

func TestTwoReadingsAreNoReading(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.image(t, "linux", "amd64", "a")
	body := m.manifests[string(d.Digest)].Body
	for _, twice := range []string{`"layers":[],`, `"Layers":[],`, "\"layer\u017f\":[],", `"manifests":[],`} {
		raw := append([]byte("{"+twice), body[1:]...)
		m.put(t, TypeOCIManifest, raw, "t")
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:t"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if img.Root.Right() || len(img.Children) != 0 || !hasProblem(img.Root.Doc.Problems, fact.ProblemAmbiguous, "") {
			t.Errorf("%s: believed one of two readings: %+v", twice, img.Root.Doc.Problems)
		}
	}
}

func TestWhatCouldMatchIsSelected(t *testing.T) {
	t.Parallel()
	m := newMemory()
	good := on(m.image(t, "linux", "amd64", "good"), "linux", "amd64")
	for _, p := range []ref.Platform{{OS: "linux", Architecture: "x86_64"}, {OS: "Linux", Architecture: "AMD64"}, {OS: "linux"}, {Architecture: "amd64"}, {}} {
		other := m.image(t, p.OS, p.Architecture, "other"+p.String())
		if p != (ref.Platform{}) {
			other.Platform = &p
		}
		m.index(t, []ref.Descriptor{other, good}, "t")
		img, err := Open(t.Context(), m, mustRef(t, "example.com/app:t"), Options{Select: Selection{Host: ref.Platform{OS: "linux", Architecture: "amd64"}}})
		if err != nil {
			t.Fatal(err)
		}
		if !img.Children[0].Selected || !img.Children[1].Selected {
			t.Errorf("%q: a runtime on linux/amd64 might take it, and it was not selected", p)
		}
	}
}
