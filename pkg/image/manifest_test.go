package image

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	hexA       = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	configDesc = `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:` + hexA + `","size":2}`
	layerDesc  = `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:` + hexA + `","size":7}`
)

func TestParseManifestNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in    string
		kind  fact.ProblemKind // "" = no problem
		part  string
		class fact.Class
	}{
		"good":            {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[` + layerDesc + `]}`, class: fact.ClassImage},
		"artifact":        {in: `{"schemaVersion":2,"artifactType":"x/y","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:` + hexA + `","size":2},"layers":[]}`, class: fact.ClassArtifact},
		"both":            {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[],"manifests":[]}`, kind: fact.ProblemAmbiguous, part: "manifest and an index at once", class: fact.ClassIndex},
		"with_fsLayers":   {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[],"fsLayers":[]}`, kind: fact.ProblemAmbiguous, part: "schema 1", class: fact.ClassImage},
		"schema1":         {in: `{"schemaVersion":1,"fsLayers":[]}`, kind: fact.ProblemUnverifiable, part: "schema 1"},
		"case_variant":    {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[],"Layers":[` + layerDesc + `]}`, kind: fact.ProblemAmbiguous, part: "differ only by case", class: fact.ClassImage},
		"only_wrong_case": {in: `{"schemaVersion":2,"config":` + configDesc + `,"Layers":[` + layerDesc + `]}`, kind: fact.ProblemAmbiguous, part: `"Layers" stands for "layers"`, class: fact.ClassImage},
		"duplicate":       {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[],"layers":[` + layerDesc + `]}`, kind: fact.ProblemAmbiguous, part: "occurs twice", class: fact.ClassImage},
		"trailing":        {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[]}{}`, kind: fact.ProblemTrailing, part: "2 bytes after", class: fact.ClassImage},
		"negative_size":   {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, ":2}", ":-1}", 1) + `,"layers":[]}`, kind: fact.ProblemSize, part: "config: the size is -1", class: fact.ClassImage},
		"size_is_text":    {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, ":2}", `:"2"}`, 1) + `,"layers":[]}`, kind: fact.ProblemSize, part: "no size", class: fact.ClassImage},
		"huge_size":       {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, ":2}", `:9223372036854775808}`, 1) + `,"layers":[]}`, kind: fact.ProblemUnverifiable, part: "not an integer of 64 bits", class: fact.ClassImage},
		"unknown_digest":  {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, "sha256:", "blake3:", 1) + `,"layers":[]}`, kind: fact.ProblemUnverifiable, part: "unsupported digest algorithm", class: fact.ClassImage},
		"path_as_digest":  {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, "sha256:"+hexA, "../../etc/passwd", 1) + `,"layers":[]}`, kind: fact.ProblemUnverifiable, part: "not a digest", class: fact.ClassImage},
		"wrong_embedded":  {in: `{"schemaVersion":2,"config":` + strings.Replace(configDesc, `"size":2`, `"size":2,"data":"e30="`, 1) + `,"layers":[]}`, kind: fact.ProblemAmbiguous, part: "embedded data hashes to", class: fact.ClassImage},
		"twice_two_sizes": {in: `{"schemaVersion":2,"config":` + configDesc + `,"layers":[` + layerDesc + `,` + strings.Replace(layerDesc, ":7}", ":8}", 1) + `]}`, kind: fact.ProblemSize, part: "listed twice", class: fact.ClassImage},
		"neither":         {in: `{"schemaVersion":2}`, kind: fact.ProblemUnverifiable, part: "neither a manifest nor an index"},
		"no_object":       {in: `[1]`, kind: fact.ProblemUnverifiable, part: "no JSON object"},
		"no_json":         {in: `<html>`, kind: fact.ProblemUnverifiable, part: "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, class, problems := ParseManifest([]byte(tc.in))
			if class != tc.class {
				t.Errorf("class %q, want %q", class, tc.class)
			}
			if tc.kind == "" {
				if len(problems) != 0 {
					t.Errorf("problems %+v, want none", problems)
				}
			} else if !hasProblem(problems, tc.kind, tc.part) {
				t.Errorf("problems %+v, want %s with %q", problems, tc.kind, tc.part)
			}
		})
	}
}

func TestHeaderAndDescriptorTypesMustAgree(t *testing.T) {
	t.Parallel()
	body := []byte(`{"schemaVersion":2,"mediaType":"` + TypeOCIManifest + `","config":` + configDesc + `,"layers":[]}`)
	for header, wrong := range map[string]bool{
		TypeOCIManifest: false, TypeOCIManifest + "; charset=utf-8": false, "": false,
		TypeOCIIndex: true, "text/plain": true, TypeDockerManifest: true,
	} {
		f := examine(&Answer{Body: body, MediaType: header}, ref.Descriptor{})
		if got := hasProblem(f.Doc.Problems, fact.ProblemMediaType, "Content-Type"); got != wrong {
			t.Errorf("Content-Type %q: problem %v, want %v", header, got, wrong)
		}
	}
}

// Each document that the image specification's schemas refuse must either be
// refused here or be harmless: have no unverified descriptor that we would use.
func TestSpecificationManifests(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "suites", "image-spec", "schema-cases.json"))
	if err != nil {
		t.Skip("the image-spec cases are not beside the repository: ", err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, key := range []string{"manifest", "imageIndex", "document", "json", "content"} {
				if s, ok := v[key].(string); ok {
					n++
					m, class, problems := ParseManifest([]byte(s))
					if (m == nil) != (class == "") {
						t.Errorf("class %q with manifest %v", class, m)
					}
					if m == nil && len(problems) == 0 {
						t.Errorf("refused without a reason: %s", s)
					}
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	if n == 0 {
		t.Fatal("no case found in the file")
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":` + configDesc + `,"layers":[` + layerDesc + `]}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[` + layerDesc + `]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, class, problems := ParseManifest(b)
		if (m == nil) != (class == "") || m == nil && len(problems) == 0 {
			t.Fatalf("manifest %v, class %q, problems %v", m, class, problems)
		}
		if m == nil {
			return
		}
		for _, d := range append(m.Layers, m.Manifests...) {
			if d.Digest == "" && len(problems) == 0 {
				t.Fatal("a descriptor without a digest went unreported")
			}
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","rootfs":{"diff_ids":["sha256:`+hexA+`"]},"history":[{"created_by":"x"}]}`), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		_, problems, ok := ParseConfig(b, n&0xff)
		if !ok && len(problems) == 0 {
			t.Fatal("refused without a reason")
		}
	})
}
