package gather_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

type seen []ref.Digest

func (s seen) Read(d ref.Digest) bool { return slices.Contains(s, d) }

// say writes a list as one line per part: what it is, and whether it is there.
func say(l fact.List[fact.Blob]) []string {
	if l.State != fact.Known {
		return []string{"unknown: " + string(l.Cause)}
	}
	var out []string
	for _, p := range l.Parts {
		switch {
		case p.State != fact.Known:
			out = append(out, "unknown: "+string(p.Cause))
		case p.V.Present:
			out = append(out, p.V.Role+" there")
		default:
			out = append(out, p.V.Role+" gone")
		}
	}
	return out
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	single := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
	index := testimage.Spec{Index: true, Images: []testimage.Image{app("linux/amd64", "x"), app("linux/arm64", "y")}}
	artifact := testimage.Spec{Images: []testimage.Image{{
		Platform: "linux/amd64", Layers: []testimage.Layer{{DescriptorFields: map[string]any{"mediaType": "application/wasm"}}},
		ManifestFields: map[string]any{"artifactType": "application/example"},
	}}}
	down := &image.Error{Op: "ask", Cause: fact.ServerError, Err: errors.New("500")}
	whole := []string{"manifest there", "layer there", "layer there", "config there"}
	for name, tt := range map[string]struct {
		spec     testimage.Spec
		sel      image.Selection
		spoil    func(*memory, *testimage.Built)
		noProber bool
		seen     bool // the layers were read
		want     []string
		asked    int // questions to the prober
	}{
		"all_there":       {spec: single, sel: amd64, want: whole, asked: 2},
		"just_read":       {spec: single, sel: amd64, seen: true, want: whole, asked: 0},
		"index":           {spec: index, sel: amd64, want: whole, asked: 2},
		"all_platforms":   {spec: index, sel: image.Selection{All: true}, want: append(slices.Clone(whole), whole...), asked: 4},
		"nothing_chosen":  {spec: index, want: []string{"unknown: not-asked"}},
		"no_such_system":  {spec: index, sel: image.Selection{Only: []ref.Platform{{OS: "plan9", Architecture: "mips"}}}, want: []string{"unknown: not-found"}},
		"artifact_root":   {spec: artifact, want: []string{"manifest there", "layer there", "config there"}, asked: 1},
		"cannot_be_asked": {spec: single, sel: amd64, noProber: true, want: []string{"manifest there", "unknown: unsupported", "unknown: unsupported", "config there"}},
		"layer_gone": {spec: single, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			delete(m.blobs, b.Images[0].Layers[1].Descriptor.Digest)
		}, want: []string{"manifest there", "layer there", "layer gone", "config there"}, asked: 2},
		"layer_not_told": {spec: single, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			m.fails["has "+string(b.Images[0].Layers[0].Descriptor.Digest)] = []error{down}
		}, want: []string{"manifest there", "unknown: server-error", "layer there", "config there"}, asked: 2},
		"config_gone": {spec: single, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			delete(m.blobs, b.Images[0].Config.Descriptor.Digest)
		}, want: []string{"manifest there", "layer there", "layer there", "config gone"}, asked: 3},
		"child_gone": {spec: index, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			delete(m.manifests, string(b.Images[0].Manifest.Descriptor.Digest))
		}, want: []string{"manifest gone"}},
		"child_not_told": {spec: index, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			m.fails["manifest "+string(b.Images[0].Manifest.Descriptor.Digest)] = []error{down}
		}, want: []string{"unknown: server-error"}},
		"child_wrong": {spec: index, sel: amd64, spoil: func(m *memory, b *testimage.Built) {
			m.manifests[string(b.Images[0].Manifest.Descriptor.Digest)] = image.Answer{Body: []byte("{}")}
		}, want: []string{"manifest there"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, built := newMemory(), build(t, tt.spec)
			m.add(built, "t")
			if tt.spoil != nil {
				tt.spoil(m, built)
			}
			img := open(t, m, "example.com/app:t", image.Options{Select: tt.sel})
			var prober image.Prober = m
			if tt.noProber {
				prober = nil
			}
			var read seen
			if tt.seen {
				for _, l := range built.Images[0].Layers {
					read = append(read, l.Descriptor.Digest)
				}
			}
			m.forget()
			got := gather.Availability(t.Context(), img, prober, read, 2)
			if diff := cmp.Diff(tt.want, say(got)); diff != "" {
				t.Error(diff)
			}
			if asked := m.forget(); len(asked) != tt.asked {
				t.Errorf("asked %q, want %d questions", asked, tt.asked)
			}
		})
	}
}

func TestAvailabilityOfForeignLayers(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]any{
		"urls": {"urls": []string{"https://elsewhere.example/x"}},
		"type": {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
	} {
		spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
		spec.Images[0].Layers[1].DescriptorFields = fields
		m, built := newMemory(), build(t, spec)
		m.add(built, "t")
		img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
		for _, there := range []string{"layer there", "unknown: unsupported"} {
			got := gather.Availability(t.Context(), img, m, nil, 1)
			if diff := cmp.Diff([]string{"manifest there", "layer there", there, "config there"}, say(got)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			delete(m.blobs, built.Images[0].Layers[1].Descriptor.Digest)
		}
	}
}

// What a store of documents knows is not what the registry has.
func TestAvailabilityAsksForWhatCameFromTheStore(t *testing.T) {
	t.Parallel()
	m, built := newMemory(), build(t, testimage.Spec{Index: true, Images: []testimage.Image{app("linux/amd64", "x")}})
	m.add(built, "t")
	cache := cacheIn(t, t.TempDir())
	o := image.Options{Select: amd64, Documents: cache}
	open(t, m, "example.com/app:t", o)
	img := built.Images[0]
	for name, tt := range map[string]struct {
		reference string
		gone      func()
		want      []string
	}{
		"all_there": {"example.com/app:t", func() {}, []string{"manifest there", "layer there", "layer there", "config there"}},
		"config_of_a_root_that_was_read": {"example.com/app@" + string(img.Manifest.Descriptor.Digest), func() { delete(m.blobs, img.Config.Descriptor.Digest) },
			[]string{"manifest there", "layer there", "layer there", "config gone"}},
		"child": {"example.com/app:t", func() { delete(m.manifests, string(img.Manifest.Descriptor.Digest)) },
			[]string{"manifest gone", "layer there", "layer there", "config there"}},
	} {
		m.add(built, "t")
		tt.gone()
		got := gather.Availability(t.Context(), open(t, m, tt.reference, o), m, nil, 1)
		if diff := cmp.Diff(tt.want, say(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// A question that fails is no answer.
	m.add(built, "t")
	m.fails["head "+string(img.Manifest.Descriptor.Digest)] = []error{&image.Error{Op: "head", Cause: fact.RateLimited, Err: errors.New("429")}}
	got := gather.Availability(t.Context(), open(t, m, "example.com/app:t", o), m, nil, 1)
	if first := say(got)[0]; first != "unknown: rate-limited" {
		t.Errorf("a manifest that could not be asked for is %s", first)
	}
}

func TestAvailabilityOfWhatWasNotOpenedWhole(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var children []string
	for i := range limits.IndexChildren + 1 {
		children = append(children, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":2,"platform":{"os":"linux","architecture":"a%d"}}`,
			image.TypeOCIManifest, ref.DigestOf([]byte{byte(i), byte(i >> 8)}, ""), i))
	}
	raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, image.TypeOCIIndex, strings.Join(children, ","))
	m.manifests["t"] = image.Answer{Body: []byte(raw), MediaType: image.TypeOCIIndex}
	img := open(t, m, "example.com/app:t", image.Options{})
	if got := say(gather.Availability(t.Context(), img, m, nil, 1)); !slices.Equal(got, []string{"unknown: limit"}) {
		t.Errorf("an index that was not read to its end: %q", got)
	}
	documents := gather.RootDocuments(img)
	if last := documents.Parts[len(documents.Parts)-1]; last.State != fact.Unknown || last.Cause != fact.Limit {
		t.Errorf("its documents: %+v", last)
	}
	if f := gather.Image(img, "example.com/app"); f.V.Incomplete == "" {
		t.Error("the image is said to be complete")
	}

	m.manifests["wrong"] = image.Answer{Body: []byte("{")}
	img = open(t, m, "example.com/app:wrong", image.Options{})
	if got := say(gather.Availability(t.Context(), img, m, nil, 1)); !slices.Equal(got, []string{"unknown: dependency"}) {
		t.Errorf("a root that cannot be read: %q", got)
	}
}
