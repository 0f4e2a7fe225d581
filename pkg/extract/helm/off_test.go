package helm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract/helm"
)

// off is a template of a pod that a value switches on.
func off(condition, image, rest string) string {
	return "-- c/templates/off.yaml --\n{{- " + condition + " }}\napiVersion: v1\nkind: Pod\nmetadata: {name: off}\nspec:\n  containers:\n  - name: b\n    image: " + image + "\n" + rest + "{{- end }}\n"
}

// What values switch off is written in the chart as well, and who installs it may
// switch it on.
func TestWhatValuesSwitchOffIsFound(t *testing.T) {
	t.Parallel()
	const one = "c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>"
	const switched = "the values of the chart switch it off, and it does not render by itself: list values that switch it on in .intact.yaml"
	tests := []struct {
		name, files string
		want        []string
	}{
		{"an object with a literal", off("if .Values.debug", "busybox:latest", ""), []string{
			"c/templates/off.yaml:8:12 busybox:latest [// b] off reference<c/templates/off.yaml busybox:latest>", one,
		}},
		{"a container with values", "-- c/values.yaml --\nmetrics: {enabled: false, image: {repository: prom/exporter, tag: latest}}\n" + off("if .Values.metrics.enabled", "{{ .Values.metrics.image.repository }}:{{ .Values.metrics.image.tag | default .Chart.AppVersion }}", ""), []string{
			one, "c/values.yaml:1:67 prom/exporter:latest [// b] off tag<c/values.yaml latest> +c/templates/off.yaml:8 +c/values.yaml:1",
		}},
		{"what stands behind an else", "-- c/values.yaml --\nimage: acme/b:2\n" + off("if true", "acme/a:1", "{{- else }}\napiVersion: v1\nkind: Pod\nmetadata: {name: off}\nspec: {containers: [{name: b, image: {{ .Values.image }}}]}\n"), []string{
			"c/templates/off.yaml:8:12 acme/a:1 [/Pod/off b] reference<c/templates/off.yaml acme/a:1>", one,
			"c/values.yaml:1:8 acme/b:2 [// b] off reference<c/values.yaml acme/b:2> +c/templates/off.yaml:13",
		}},
		{"a definition that only it asks for", "-- c/templates/_h.tpl --\n{{ define \"c\" }}\n  - name: b\n    {{ if .Values.never }}\n    image: acme/h:1\n    {{ end }}\n{{ end }}\n-- c/templates/off.yaml --\n{{ if .Values.on }}\napiVersion: v1\nkind: Pod\nmetadata: {name: off}\nspec:\n  containers: {{ include \"c\" . }}\n{{ end }}\n", []string{
			"c/templates/_h.tpl:4:12 acme/h:1 [// b] off reference<c/templates/_h.tpl acme/h:1> +c/templates/off.yaml:1", one,
		}},
		{"what does not render then", "-- c/values.yaml --\n" + off("if .Values.a", `{{ required "set it" .Values.x }} # intact:ignore REF001 later`, "  - name: c\n    image: acme/c:3\n"), []string{
			`c/templates/off.yaml:8:12 {{ required "set it" .Values.x }} (` + switched + ") off ignore REF001",
			"c/templates/off.yaml:10:12 acme/c:3 off reference<c/templates/off.yaml acme/c:3>", one,
		}},
		{"what does not render hides nothing else", "-- c/templates/bad.yaml --\n{{ if .Values.a }}\nimage: {{ fail \"no\" }}\n{{ end }}\n" + off("if .Values.debug", "busybox:latest", ""), []string{
			"c/templates/bad.yaml:2:8 {{ fail \"no\" }} (" + switched + ") off",
			"c/templates/off.yaml:8:12 busybox:latest [// b] off reference<c/templates/off.yaml busybox:latest>", one,
		}},
		{"a loop over nothing", "-- c/values.yaml --\njobs: []\n" + off("range .Values.jobs", "{{ .image }}", "  - name: c\n    image: \"acme/c:3\"\n"), []string{
			"c/templates/off.yaml:10:13 acme/c:3 off reference<c/templates/off.yaml acme/c:3>", one,
			"notice c/templates/off.yaml:8 {{ .image }} in parts of templates that the values have nothing for",
		}},
		{"a condition that sets a variable", off("if $x := .Values.x", "acme/x:{{ $x }}", ""), []string{
			"c/templates/off.yaml:8:12 acme/x:{{ $x }} (" + switched + ") off", one,
		}},
		{"what has no image", "-- c/templates/off.yaml --\n{{ if .Values.x }}\nkind: ConfigMap\nimagePullPolicy: Always\n{{ end }}\n-- c/templates/NOTES.txt --\n{{ if .Values.x }}\nimage: {{ fail \"no\" }}\n{{ end }}\n", []string{one}},
		{"a chart that is off", "-- c/Chart.yaml --\napiVersion: v2\nname: c\nversion: 1.2.3\ndependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n-- c/values.yaml --\nsub: {enabled: false}\n-- c/charts/sub/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n-- c/charts/sub/templates/s.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec: {containers: [{name: s, image: acme/sub:9}]}\n", []string{
			"c/charts/sub/templates/s.yaml:4:38 acme/sub:9 [// s] off reference<c/charts/sub/templates/s.yaml acme/sub:9>", one,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := meta + tt.files
			if strings.HasPrefix(tt.files, "-- c/Chart.yaml") {
				files = tt.files
			}
			fsys := tree(files + pod("acme/app:1"))
			r, err := helm.Extractor{}.Extract(fsys, "c/Chart.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, describe(fsys, r)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// One rendering of a chart that has it on is enough.
func TestWhatOtherValuesSwitchOnIsNotOff(t *testing.T) {
	t.Parallel()
	fsys := tree(meta + "-- on.yaml --\ndebug: true\n" + off("if .Values.debug", "busybox:latest", "") + pod("acme/app:1"))
	e := helm.Extractor{Charts: []helm.Chart{{Chart: "c"}, {Chart: "c", Values: []string{"on.yaml"}}}}
	r, err := e.Extract(fsys, "c/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Found) != 2 || r.Found[0].Off || r.Found[0].Workload.Name != "off" {
		t.Errorf("%+v", r.Found)
	}
}
