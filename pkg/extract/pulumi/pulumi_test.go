package pulumi_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract/internal/resource/resourcetest"
	"github.com/intact-dev/intact/pkg/extract/pulumi"
)

func TestCases(t *testing.T) {
	t.Parallel()
	resourcetest.Run(t, pulumi.Extractor{})
}

func TestWhatIsWrittenToTakeLong(t *testing.T) {
	t.Parallel()
	head := "name: x\nruntime: yaml\nresources:\n  r:\n    type: docker:RemoteImage\n    properties: {name: \"${v39}\"}\nvariables:\n  v0: aaaa\n"
	var double, list strings.Builder
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&double, "  v%d: ${v%d}${v%d}\n", i, i-1, i-1)
		fmt.Fprintf(&list, "  v%d: [\"${v%d}\", \"${v%d}\"]\n", i, i-1, i-1)
	}
	for name, data := range map[string]string{
		"texts_that_double": head + double.String(),
		"lists_that_double": head + list.String(),
		"deep":              head + "  v39: " + strings.Repeat("{fn::secret: ", 300) + "x:1" + strings.Repeat("}", 300) + "\n",
	} {
		r, err := pulumi.Extractor{}.Extract(fstest.MapFS{"Pulumi.yaml": {Data: []byte(data)}}, "Pulumi.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Problems) == 0 && (len(r.Found) != 1 || r.Found[0].Unresolved == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestWhatItReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"a/Pulumi.yaml", "", true}, {"Pulumi.yml", "", true}, {"Main.yaml", "resources:", true}, {"Main.yaml", "jobs:", false}, {"Pulumi.prod.yaml", "", false},
		{"x.json", `{"version":3,"deployment":{"manifest":{`, true}, {"x.json", `{"steps":[{"urn":"urn:pulumi:x`, true}, {"x.json", `{"deployment": 1}`, false},
	} {
		if got := (pulumi.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

func FuzzProgram(f *testing.F) {
	f.Add([]byte("name: a\nruntime: yaml\nconfig: {c: {default: x}}\nvariables: {v: {fn::join: [\"\", [\"${c}\", \":1\"]]}}\nresources:\n  r:\n    type: docker:Container\n    properties: {image: \"${v}\", name: \"$${x}\"}\n"), []byte("config:\n  a:c: y\n"))
	f.Add([]byte("runtime: yaml\nresources:\n  r: {type: kubernetes:core/v1:Pod, properties: {spec: {containers: [{image: \"${s[0].x['y']}\"}]}}}\n  s: {type: x, properties: {a: 1}}\nvariables: {s: [{x: {y: z}}]}\n"), []byte("config: {}"))
	f.Fuzz(func(t *testing.T, data, stack []byte) {
		fsys := fstest.MapFS{"Pulumi.yaml": {Data: data}, "Pulumi.dev.yaml": {Data: stack}}
		r, err := pulumi.Extractor{}.Extract(fsys, "Pulumi.yaml")
		if err != nil {
			return
		}
		for _, found := range r.Found {
			if s := found.Site; s != nil && (s.Start < 0 || s.End > len(fsys[s.File].Data) || s.Start > s.End) || found.Origin.Line < 1 {
				t.Fatalf("%+v", found)
			}
		}
	})
}
