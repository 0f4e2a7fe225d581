package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/helm"
)

const digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// Each chart is changed as "intact pin" does it, all sites at once, and rendered
// again.
func TestPinnedChartsRenderTheDigest(t *testing.T) {
	t.Parallel()
	image := `"{{ .Values.image.repository }}:{{ .Values.image.tag }}`
	tests := []struct{ name, files, path, want string }{
		{"the scaffold", scaffold, "app/Chart.yaml", "busybox@" + digest + " acme/web:1.16.0@" + digest},
		{"a literal", meta + pod("acme/app:1.2"), "c/Chart.yaml", "acme/app:1.2@" + digest},
		{"a whole value", meta + "-- c/values.yaml --\nimage: acme/app:1.2\n" + pod("{{ .Values.image }}"), "c/Chart.yaml", "acme/app:1.2@" + digest},
		{"an empty digest", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1, digest: ''}\n" + pod(image+`{{ with .Values.image.digest }}@{{ . }}{{ end }}"`), "c/Chart.yaml", "acme/app:v1@" + digest},
		{"a digest that is old", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n" + pod(image+`@{{ .Values.image.digest }}"`), "c/Chart.yaml", "acme/app:v1@" + digest},
		{"a tag in a values file", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1}\n-- c/values-prod.yaml --\nimage: {tag: v2}\n" + pod(image+`"`), "c/Chart.yaml", "acme/app:v2@" + digest},
		{"the application's version", meta + pod("acme/app:{{ .Chart.AppVersion }}"), "c/Chart.yaml", "acme/app:v9@" + digest},
		{"a reference behind a registry", meta + "-- c/values.yaml --\nr: reg.example\nimage: acme/app:1.2\n" + pod("{{ .Values.r }}/{{ .Values.image }}"), "c/Chart.yaml", "reg.example/acme/app:1.2@" + digest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := tree(tt.files)
			e := helm.Extractor{Charts: []helm.Chart{{Chart: "c", Values: nil}}}
			if fsys["c/values-prod.yaml"] != nil {
				e.Charts[0].Values = []string{"c/values-prod.yaml"}
			}
			r, err := e.Extract(fsys, tt.path)
			if err != nil {
				t.Fatal(err)
			}
			pinAll(fsys, r)
			r, err = e.Extract(fsys, tt.path)
			if err != nil || len(r.Problems) > 0 {
				t.Fatalf("error %v, problems %v", err, r.Problems)
			}
			var got []string
			for _, f := range r.Found {
				got = append(got, f.Raw)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func pinAll(fsys fstest.MapFS, r extract.Result) {
	sites := map[extract.Site]string{}
	for _, f := range r.Found {
		if f.Site == nil {
			continue
		}
		to := f.Ref
		to.Digest = digest
		text := map[extract.Style]string{extract.StyleReference: to.String(), extract.StyleTag: to.Tag + "@" + digest, extract.StyleDigest: digest}
		sites[*f.Site] = text[f.Site.Style]
	}
	order := slices.SortedFunc(maps.Keys(sites), func(a, b extract.Site) int { return b.Start - a.Start })
	for _, s := range order {
		old := string(fsys[s.File].Data)
		fsys[s.File] = file(old[:s.Start] + s.Before + sites[s] + s.After + old[s.End:])
	}
}

func TestWhatAChartStandsFor(t *testing.T) {
	t.Parallel()
	fsys := tree(meta + "-- c/values.yaml --\na: b\n-- v.yaml --\na: c\n-- c/README.md --\nx\n-- c/.helmignore --\n*.md\n-- c/dash.yaml --\na: b\n-- c/crds/x.yaml --\na: b\n-- c/charts/s/Chart.yaml --\nname: s\nversion: 1.0.0\napiVersion: v2\n" + pod("a:1"))
	r, err := helm.Extractor{Charts: []helm.Chart{{Chart: "c", Values: []string{"v.yaml"}}, {Chart: "./c"}, {Chart: "other", Values: []string{"gone.yaml"}}}}.Extract(fsys, "c/Chart.yaml")
	if err != nil || len(r.Problems) > 0 || len(r.Found) != 1 {
		t.Fatalf("%d found, problems %v, error %v", len(r.Found), r.Problems, err)
	}
	claims := []string{"c/charts/s/Chart.yaml", "c/crds/x.yaml", "c/templates/p.yaml", "c/values.yaml", "v.yaml"}
	if diff := cmp.Diff(claims, r.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c/.helmignore", "c/charts/s/Chart.yaml", "c/crds/x.yaml", "c/templates/p.yaml", "c/values.yaml", "v.yaml"}, r.Read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestChartsInArchives(t *testing.T) {
	t.Parallel()
	sub := map[string]string{"sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "sub/values.yaml": "tag: v1\nname: acme/sub\n",
		"sub/templates/p.yaml": string(tree(pod("{{ .Values.name }}:{{ .Values.tag }}"))["c/templates/p.yaml"].Data)}
	fsys := tree(meta + "-- c/values.yaml --\nsub:\n  tag: v2\n")
	fsys["c/charts/sub-1.0.0.tgz"] = file(pack(t, sub))
	r, err := helm.Extractor{}.Extract(fsys, "c/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"c/values.yaml:2:8 acme/sub:v2 [/Pod/p a] tag<c/values.yaml v2> +c/charts/sub-1.0.0.tgz:1"}
	if diff := cmp.Diff(want, describe(fsys, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	fsys["c/values.yaml"] = file("")
	if r, err = (helm.Extractor{}).Extract(fsys, "c/Chart.yaml"); err != nil {
		t.Fatal(err)
	}
	want = []string{"c/charts/sub-1.0.0.tgz:1:1 acme/sub:v1 [/Pod/p a]"}
	if diff := cmp.Diff(want, describe(fsys, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	fsys["c/charts/sub-1.0.0.tgz"] = file("no archive")
	if r, err = (helm.Extractor{}).Extract(fsys, "c/Chart.yaml"); err != nil || len(r.Problems) != 1 || r.Problems[0].Origin.Where != "c/charts/sub-1.0.0.tgz" {
		t.Errorf("problems %v, error %v", r.Problems, err)
	}
}

func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
