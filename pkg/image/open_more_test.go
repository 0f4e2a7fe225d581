package image

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

var linuxAMD = ref.Platform{OS: "linux", Architecture: "amd64"}

func open(t *testing.T, m *memory, tag string, o Options) *Image {
	t.Helper()
	img, err := Open(t.Context(), m, mustRef(t, "example.com/app:"+tag), o)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A runtime picks by any entry of an index. An entry that hides a digest as an
// attestation must not keep the next entry of the same digest from being read.
func TestOpenReadsADigestListedForAnotherPlatformToo(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.image(t, "linux", "amd64", "x")
	hidden := on(d, "unknown", "unknown")
	hidden.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	m.index(t, []ref.Descriptor{hidden, on(d, "linux", "amd64"), on(d, "linux", "arm64"), on(d, "linux", "amd64")}, "t")
	img := open(t, m, "t", Options{Select: Selection{Host: linuxAMD}})
	var got []string
	for _, c := range img.Children {
		s := c.Platform.String()
		if c.Selected {
			s += " selected"
		}
		if !c.ConfigOK || !c.Manifest.Right() {
			t.Errorf("%s: manifest %v, config %v", s, c.Err, c.ConfigErr)
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]string{"unknown/unknown", "linux/amd64 selected", "linux/arm64"}, got); diff != "" {
		t.Error(diff)
	}
	if !hasProblem(img.Children[2].ConfigDoc.Problems, fact.ProblemMediaType, "the config says linux/amd64") {
		t.Errorf("the lie about arm64 is not reported: %+v", img.Children[2].ConfigDoc.Problems)
	}
	manifests := 0
	for _, r := range m.requests {
		if r == "manifest "+string(d.Digest) {
			manifests++
		}
	}
	if manifests != 1 {
		t.Errorf("the manifest was fetched %d times", manifests)
	}
}

func TestOpenGoesOnBesideWhatIsMissingOrWrong(t *testing.T) {
	t.Parallel()
	m := newMemory()
	goneDeep := on(ref.Descriptor{MediaType: TypeOCIManifest, Digest: ref.DigestOf([]byte("gone"), ""), Size: 4}, "linux", "s390x")
	inner := m.index(t, []ref.Descriptor{on(m.image(t, "linux", "arm64", "arm"), "linux", "arm64"), goneDeep})
	wrong := on(m.image(t, "linux", "riscv64", "wrong"), "linux", "riscv64")
	m.manifests[string(wrong.Digest)] = Answer{Body: []byte(`{"schemaVersion":2}`), MediaType: TypeOCIManifest}
	m.index(t, []ref.Descriptor{inner, wrong, on(m.image(t, "linux", "amd64", "amd"), "linux", "amd64")}, "t")
	type row struct {
		Platform string
		Class    fact.Class
		Cause    fact.Cause
		Right    bool
		Config   bool
	}
	var got []row
	for _, c := range open(t, m, "t", Options{}).Children {
		r := row{Platform: c.Platform.String(), Class: c.Class, Right: c.Manifest != nil && c.Manifest.Right(), Config: c.ConfigOK}
		if c.Err != nil {
			r.Cause = CauseOf(c.Err)
		}
		got = append(got, r)
	}
	want := []row{
		{"", fact.ClassIndex, "", true, false},
		{"linux/arm64", fact.ClassImage, "", true, true},
		{"linux/s390x", fact.ClassImage, fact.NotFound, false, false},
		{"linux/riscv64", fact.ClassImage, "", false, false},
		{"linux/amd64", fact.ClassImage, "", true, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOpenConfig(t *testing.T) {
	t.Parallel()
	config := func(m *memory, tag string) ref.Digest {
		var doc struct{ Config ref.Descriptor }
		if err := json.Unmarshal(m.manifests[tag].Body, &doc); err != nil {
			t.Fatal(err)
		}
		return doc.Config.Digest
	}
	for name, tt := range map[string]struct {
		spoil func(*memory)
		cause fact.Cause
		came  bool // some bytes came, right or wrong
	}{
		"gone":    {func(m *memory) { delete(m.blobs, config(m, "t")) }, fact.NotFound, false},
		"other":   {func(m *memory) { m.blobs[config(m, "t")] = []byte(`{"os":"linux","architecture":"amd64"}`) }, "", true},
		"longer":  {func(m *memory) { d := config(m, "t"); m.blobs[d] = append(m.blobs[d], ' ') }, "", true},
		"shorter": {func(m *memory) { d := config(m, "t"); m.blobs[d] = m.blobs[d][1:] }, "", true},
		"empty":   {func(m *memory) { m.blobs[config(m, "t")] = nil }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.image(t, "linux", "amd64", "x", "t")
			tt.spoil(m)
			store := kept{}
			c := open(t, m, "t", Options{Documents: store}).Children[0]
			if c.ConfigOK || (c.ConfigDoc != nil) != tt.came {
				t.Errorf("config taken %v, document %+v", c.ConfigOK, c.ConfigDoc)
			}
			if tt.cause != "" && CauseOf(c.ConfigErr) != tt.cause {
				t.Errorf("cause %v, want %s", c.ConfigErr, tt.cause)
			}
			if tt.came && c.ConfigDoc.Digest == c.ConfigDoc.Wanted.Digest {
				t.Errorf("wrong bytes are called right: %+v", c.ConfigDoc)
			}
			if _, ok := store[config(m, "t")]; ok {
				t.Error("wrong bytes were kept")
			}
		})
	}
}

// What the source has is told apart from what a store knows, document by
// document: one config may belong to images in many repositories.
func TestOpenSaysWhatCameFromTheStore(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.image(t, "linux", "amd64", "x", "t")
	m.index(t, []ref.Descriptor{on(d, "linux", "amd64")}, "i")
	store := kept{}
	child := func(tag string) *Child { return open(t, m, tag, Options{Documents: store}).Children[0] }
	if c := child("i"); c.FromStore || c.ConfigFromStore {
		t.Errorf("first time: %v %v", c.FromStore, c.ConfigFromStore)
	}
	if c := child("t"); c.FromStore || !c.ConfigFromStore {
		t.Errorf("the root was asked, the config was not: %v %v", c.FromStore, c.ConfigFromStore)
	}
	for digest := range store {
		if _, isConfig := m.blobs[digest]; isConfig {
			delete(store, digest)
		}
	}
	if c := child("i"); !c.FromStore || c.ConfigFromStore {
		t.Errorf("the manifest was not asked, the config was: %v %v", c.FromStore, c.ConfigFromStore)
	}
}

func TestOpenReadsTheConfigOfAnArtifactRoot(t *testing.T) {
	t.Parallel()
	m := newMemory()
	config := m.blob([]byte(`{"name":"chart"}`), "application/vnd.cncf.helm.config.v1+json")
	m.put(t, TypeOCIManifest, object{
		"schemaVersion": 2, "mediaType": TypeOCIManifest, "config": config,
		"layers": []any{m.blob([]byte("tgz"), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")},
	}, "chart")
	c := open(t, m, "chart", Options{}).Children[0]
	if c.Class != fact.ClassArtifact || c.ConfigDoc == nil || c.ConfigDoc.Digest != config.Digest || c.ConfigOK {
		t.Errorf("class %s, config document %+v, read as an image's: %v", c.Class, c.ConfigDoc, c.ConfigOK)
	}
	m.blobs[config.Digest] = []byte(`{"name":"other"}`)
	if c := open(t, m, "chart", Options{}).Children[0]; c.ConfigDoc.Digest == config.Digest {
		t.Error("other bytes hash to the config's digest")
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	m := newMemory()
	amd, arm := on(m.image(t, "linux", "amd64", "a"), "linux", "amd64"), on(m.image(t, "linux", "arm64", "b"), "linux", "arm64")
	arm.Platform.Variant = "v8"
	win := on(m.image(t, "windows", "amd64", "w"), "windows", "amd64")
	none := on(m.image(t, "linux", "amd64", "n"), "unknown", "unknown")
	m.index(t, []ref.Descriptor{amd, arm, win, none}, "all")
	m.index(t, []ref.Descriptor{win, arm}, "foreign")
	m.index(t, []ref.Descriptor{none}, "none")
	m.image(t, "linux", "riscv64", "single", "single")
	z, i386, arm32 := on(m.image(t, "linux", "s390x", "z"), "linux", "s390x"), on(m.image(t, "linux", "386", "i"), "linux", "386"), on(m.image(t, "linux", "arm", "3"), "linux", "arm")
	bare := m.image(t, "linux", "amd64", "u")
	m.index(t, []ref.Descriptor{z, i386, arm32}, "compatible")
	m.index(t, []ref.Descriptor{z, i386, amd}, "compatible_and_own")
	m.index(t, []ref.Descriptor{z, bare, i386}, "compatible_and_unstated")
	m.index(t, []ref.Descriptor{z, bare}, "unstated")
	p := func(os, arch string) ref.Platform { return ref.Platform{OS: os, Architecture: arch} }
	for name, tt := range map[string]struct {
		tag  string
		sel  Selection
		want []string
	}{
		"nothing":                          {"all", Selection{}, nil},
		"all":                              {"all", Selection{All: true}, []string{"linux/amd64", "linux/arm64/v8", "windows/amd64", "unknown/unknown"}},
		"host":                             {"all", Selection{Host: p("linux", "arm64")}, []string{"linux/arm64/v8"}},
		"host_not_there":                   {"foreign", Selection{Host: linuxAMD}, []string{"windows/amd64"}},
		"host_single":                      {"single", Selection{Host: linuxAMD}, []string{"linux/riscv64"}},
		"host_runs_386":                    {"compatible", Selection{Host: linuxAMD}, []string{"linux/386"}},
		"host_runs_arm":                    {"compatible", Selection{Host: p("linux", "arm64")}, []string{"linux/arm"}},
		"host_runs_neither":                {"compatible", Selection{Host: p("linux", "riscv64")}, []string{"linux/s390x"}},
		"host_has_its_own":                 {"compatible_and_own", Selection{Host: linuxAMD}, []string{"linux/amd64"}},
		"host_runs_386_before_unstated":    {"compatible_and_unstated", Selection{Host: linuxAMD}, []string{"linux/amd64", "linux/386"}},
		"host_runs_unstated":               {"unstated", Selection{Host: linuxAMD}, []string{"linux/amd64"}},
		"host_only_what_is_for_none":       {"none", Selection{Host: linuxAMD}, []string{"unknown/unknown"}},
		"only_two":                         {"all", Selection{Only: []ref.Platform{linuxAMD, p("windows", "amd64")}}, []string{"linux/amd64", "windows/amd64"}},
		"only_one_of_two":                  {"all", Selection{Only: []ref.Platform{linuxAMD, p("linux", "s390x")}}, []string{"linux/amd64", "linux/s390x missing"}},
		"only_beats_host":                  {"all", Selection{Only: []ref.Platform{linuxAMD}, Host: p("windows", "amd64")}, []string{"linux/amd64"}},
		"only_of_a_single_image":           {"single", Selection{Only: []ref.Platform{linuxAMD}}, []string{"linux/amd64 missing"}},
		"only_of_an_index_for_no_platform": {"none", Selection{Only: []ref.Platform{linuxAMD}}, []string{"linux/amd64 missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range open(t, m, tt.tag, Options{Select: tt.sel}).Children {
				if !c.Selected {
					continue
				}
				s := c.Platform.String()
				if c.Err != nil {
					s += " missing"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What Docker would unpack is an image, whatever its media types say it is.
func TestClassIsWhatSomeRuntimeWouldRun(t *testing.T) {
	t.Parallel()
	const tarLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
	for _, tt := range []struct {
		config, layer string
		want          fact.Class
	}{
		{typeOCIConfig, tarLayer, fact.ClassImage},
		{typeDockerConfig, "application/vnd.docker.image.rootfs.diff.tar.gzip", fact.ClassImage},
		{"", tarLayer, fact.ClassImage},
		{"application/octet-stream", tarLayer, fact.ClassImage},
		{"application/json", tarLayer, fact.ClassImage},
		{"text/html", tarLayer, fact.ClassImage},
		{"Application/Vnd.OCI.image.config.v1+JSON", tarLayer, fact.ClassImage},
		{typeOCIConfig, "", fact.ClassImage},
		{typeOCIConfig, "application/octet-stream", fact.ClassImage},
		{typeOCIConfig, "application/vnd.docker.plugin", fact.ClassImage},
		{typeOCIConfig, "application/vnd.oci.image.layer.v2.squashfs", fact.ClassImage},
		// Under an image config nothing but the index's word tells an attestation from
		// an image that hides behind a media type.
		{typeOCIConfig, typeInToto, fact.ClassImage},
		{typeOCIConfig + "; x", "application/x-tar", fact.ClassImage},
		{typeOCIConfig, "application/vnd.dev.cosign.simplesigning.v1+json", fact.ClassImage},
		{typeOCIEmpty, typeInToto, fact.ClassAttestation},
		{typeOCIEmpty, typeDSSE, fact.ClassAttestation},
		{typeOCIEmpty, tarLayer, fact.ClassArtifact},
		{"application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", fact.ClassArtifact},
		{"application/json", "application/wasm", fact.ClassArtifact},
	} {
		descriptor := func(mediaType string) object {
			o := object{"digest": ref.DigestOf([]byte(mediaType), ""), "size": 1}
			if mediaType != "" {
				o["mediaType"] = mediaType
			}
			return o
		}
		raw, err := json.Marshal(object{
			"schemaVersion": 2, "mediaType": TypeOCIManifest, "config": descriptor(tt.config), "layers": []any{descriptor(tt.layer)},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, class, problems := ParseManifest(raw)
		if class != tt.want {
			t.Errorf("config %q, layer %q: %s, want %s", tt.config, tt.layer, class, tt.want)
		}
		if missing := tt.config == "" || tt.layer == ""; missing != hasProblem(problems, fact.ProblemMediaType, "has no media type") {
			t.Errorf("config %q, layer %q: problems %+v", tt.config, tt.layer, problems)
		}
	}
}

// Where no entry is for the machine, Podman and CRI-O take one for which the index
// states no platform, whatever its config says.
func TestAnEntryWithoutAPlatformMayRunAnywhere(t *testing.T) {
	t.Parallel()
	m := newMemory()
	other := on(m.image(t, "linux", "s390x", "other"), "linux", "s390x")
	for _, p := range []ref.Platform{{OS: "unknown", Architecture: "unknown"}, {OS: "linux", Architecture: "arm64"}} {
		m.index(t, []ref.Descriptor{other, m.image(t, p.OS, p.Architecture, "hidden")}, "t")
		c := open(t, m, "t", Options{Select: Selection{Host: linuxAMD}}).Children[1]
		if !c.Selected || !c.Runnable() {
			t.Errorf("config says %s: selected %v, runnable %v", p, c.Selected, c.Runnable())
		}
	}
}

// Kubernetes with containerd runs what has layers and a config that lists them,
// whatever type the manifest calls the config, and Podman does in Docker's form.
func TestAnImageHidesBehindNoConfigType(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.image(t, "linux", "amd64", "x")
	var doc struct{ Config, Layers any }
	if err := json.Unmarshal(m.manifests[string(d.Digest)].Body, &doc); err != nil {
		t.Fatal(err)
	}
	const other = "application/vnd.example.config.v1+json"
	layer := doc.Layers.([]any)[0].(map[string]any)
	hide := func(manifestType, layerType string) ref.Descriptor {
		config := maps.Clone(doc.Config.(map[string]any))
		config["mediaType"] = other
		l := maps.Clone(layer)
		l["mediaType"] = layerType
		return on(m.put(t, manifestType, object{"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []any{l}}, "single"), "linux", "amd64")
	}
	for name, tt := range map[string]struct {
		entry ref.Descriptor
		want  fact.Class
	}{
		"containerd's":        {hide(TypeOCIManifest, "application/vnd.oci.image.layer.v1.tar"), fact.ClassImage},
		"podman's":            {hide(TypeDockerManifest, "application/octet"), fact.ClassImage},
		"nothing to unpack":   {hide(TypeOCIManifest, "application/wasm"), fact.ClassArtifact},
		"a config of another": {on(m.put(t, TypeOCIManifest, object{"schemaVersion": 2, "mediaType": TypeOCIManifest, "config": m.blob([]byte(`{}`), other), "layers": []any{layer}}), "linux", "amd64"), fact.ClassArtifact},
		"a variant of a key": {on(m.put(t, TypeOCIManifest, object{"schemaVersion": 2, "mediaType": TypeOCIManifest,
			"config": m.blob([]byte(`{"Rootfs":{"diff_ids":["`+string(d.Digest)+`"]}}`), other), "layers": []any{layer}}), "linux", "amd64"), fact.ClassImage},
	} {
		m.index(t, []ref.Descriptor{tt.entry}, "t")
		m.manifests["root"] = m.manifests[string(tt.entry.Digest)]
		child := open(t, m, "t", Options{Select: Selection{Host: linuxAMD}}).Children[0]
		img := open(t, m, "root", Options{Select: Selection{Host: linuxAMD}})
		root := img.Children[0]
		for at, c := range map[string]*Child{"child": child, "root": root} {
			if image := tt.want == fact.ClassImage; c.Class != tt.want || c.Manifest.Doc.Class != tt.want || c.Selected != image || c.Runnable() != image {
				t.Errorf("%s, %s: class %s, selected %v", name, at, c.Class, c.Selected)
			}
		}
		if img.Root.Doc.Class != tt.want {
			t.Errorf("%s: class of the root %s", name, img.Root.Doc.Class)
		}
	}
}
