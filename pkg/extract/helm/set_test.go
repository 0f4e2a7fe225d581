package helm_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract/helm"
)

// What is set comes after the files, and has no place to write a digest into.
func TestSet(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"c/Chart.yaml":  {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
		"c/values.yaml": {Data: []byte("image: {repository: example.com/app, tag: \"1\"}\nextra: \"\"\n")},
		"v.yaml":        {Data: []byte("image: {tag: \"2\"}\n")},
		"c/templates/p.yaml": {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n" +
			"  - {name: a, image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"}\n{{ with .Values.extra }}\n  - {name: b, image: {{ . }}}\n{{ end }}\n")},
	}
	for name, tt := range map[string]struct {
		set  []string
		want string // the images
		why  string // of a problem
	}{
		"over the files": {set: []string{"image.tag=3"}, want: "example.com/app:3"},
		"a new one":      {set: []string{"extra=example.com/sidecar:7,image.tag=4"}, want: "example.com/app:4 example.com/sidecar:7"},
		"wrong":          {set: []string{"image.tag"}, want: "example.com/app:2", why: "image.tag"},
		"none":           {want: "example.com/app:2"},
	} {
		r, err := helm.Extractor{Charts: []helm.Chart{{Chart: "c", Values: []string{"v.yaml"}, Set: tt.set}}}.Extract(fsys, "c/Chart.yaml")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got, why []string
		for _, f := range r.Found {
			if !f.Off && f.Unresolved == "" {
				got = append(got, f.Ref.String())
			}
			if len(tt.set) > 0 && tt.why == "" && f.Site != nil && strings.HasPrefix(f.Ref.String(), "example.com/app") && f.Site.File == ".intact.yaml" {
				t.Errorf("%s: a digest would be written into %+v", name, f.Site)
			}
		}
		for _, p := range r.Problems {
			why = append(why, p.Why)
		}
		if all := strings.Join(why, "\n"); strings.Join(got, " ") != tt.want || (all != "") != (tt.why != "") || !strings.Contains(all, tt.why) {
			t.Errorf("%s: found %q, problems %q", name, got, all)
		}
	}
}
