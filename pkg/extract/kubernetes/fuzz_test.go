package kubernetes_test

import (
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
)

func FuzzExtract(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(valid()))
	f.Add([]byte("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"image\":\"\\u0061\"}]}}]}"))
	f.Add([]byte("a: &a [*a]\n---\napiVersion: v1\nkind: Pod\nspec: &s {containers: [{image: x, <<: *s}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := kubernetes.Extractor{}
		e.Match("a.yaml", data[:min(len(data), extract.HeadSize)])
		r, err := e.Extract(fstest.MapFS{"a.yaml": {Data: data}}, "a.yaml")
		if err != nil {
			return
		}
		for _, f := range r.Found {
			if f.Origin.Line < 1 || f.Origin.Column < 1 || f.Site != nil && (f.Site.Start > f.Site.End || f.Site.End > len(data)) {
				t.Fatalf("%q is at %+v, its site %+v", f.Raw, f.Origin, f.Site)
			}
		}
	})
}
