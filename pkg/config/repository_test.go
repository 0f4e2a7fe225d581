package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/config"
)

const repository = `schema: intact.repository/v1
exclude: [testdata/, "!testdata/keep"]
crds:
  - {group: databases.example.com, kind: Cluster, images: [spec.image, "spec.sidecars[*].image", spec.tools.*.image]}
helm:
  - {chart: charts/app/, values: [charts/app/values-prod.yaml], set: [image.tag=2]}
  - {chart: charts/app}
`

func TestParseRepository(t *testing.T) {
	t.Parallel()
	got, err := config.ParseRepository(".intact.yaml", []byte(repository))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Repository{
		File: ".intact.yaml", Exclude: []string{"testdata/", "!testdata/keep"},
		CRDs: []config.CRD{{"databases.example.com", "Cluster", []string{"spec.image", "spec.sidecars[*].image", "spec.tools.*.image"}}},
		Helm: []config.Chart{{Chart: "charts/app", Values: []string{"charts/app/values-prod.yaml"}, Set: []string{"image.tag=2"}}, {Chart: "charts/app"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What is scanned must not decide what is right.
func TestParseRepositoryRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, old, new, want string }{
		{"a policy", "exclude:", "policy: audit\nexclude:", `:2:1: unknown key "policy"`},
		{"trust", "exclude:", "trust: {roots: [x]}\nexclude:", `:2:1: unknown key "trust"`},
		{"another schema", "intact.repository/v1", "intact.config/v1", `:1:9: "intact.config/v1"; expected intact.repository/v1`},
		{"no schema", "schema: intact.repository/v1\n", "", "schema"},
		{"an empty pattern", "testdata/,", `" ",`, ":2:11: an empty pattern"},
		{"a path out", "charts/app/values-prod.yaml", "../values.yaml", `:6:35: "../values.yaml" leads out of the repository`},
		{"an absolute path", "{chart: charts/app}", "{chart: /etc}", `:7:13: "/etc" leads out of the repository`},
		{"no place", "[spec.image,", `["spec..image",`, `:4:60: "spec..image" is no place in an object`},
		{"an index", "spec.sidecars[*].image", "spec.sidecars[0].image", `"spec.sidecars[0].image" is no place`},
		{"no images", ", images: [spec.image, \"spec.sidecars[*].image\", spec.tools.*.image]", "", "images"},
		{"a second document", "helm:", "---\nhelm:", "a second document"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(repository, row.old, row.new, 1)
			if text == repository {
				t.Fatal("nothing was replaced")
			}
			if _, err := config.ParseRepository(".intact.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want an error with %s", err, row.want)
			}
		})
	}
}

func FuzzParseRepository(f *testing.F) {
	f.Add([]byte(repository))
	f.Add([]byte("schema: intact.repository/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := config.ParseRepository("x", b)
		if err != nil {
			return
		}
		for _, c := range r.Helm {
			for _, p := range append(c.Values, c.Chart) {
				if strings.HasPrefix(p, "/") || p == ".." || strings.HasPrefix(p, "../") {
					t.Errorf("%q leads out", p)
				}
			}
		}
	})
}
