package helm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/helm"
	"github.com/intact-dev/intact/pkg/fact"
)

// Each of them would take years, or all memory.
func TestTemplatesWithoutEnd(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, values string }{
		{"loops in loops", `{{ range 1000000000 }}{{ range 1000000000 }}{{ end }}{{ end }}`, ""},
		{"a list of numbers", `{{ range until 1000000000 }}{{ end }}`, ""},
		{"a list of steps", `{{ untilStep 0 1000000000 1 | len }}`, ""},
		{"a sequence", `{{ seq 1000000000 }}`, ""},
		{"a text again and again", `{{ repeat 1000000000 "xx" }}`, ""},
		{"indentation", `{{ "x" | nindent 1000000000 }}`, ""},
		{"a width", `{{ printf "%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d" 1 }}`, ""},
		{"a text twice in itself", `{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}`, ""},
		{"replacing", `{{ $x := repeat 100000 "x" }}{{ replace "x" $x $x }}`, ""},
		{"a value twice in itself", `{{ $d := dict }}{{ range until 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toYaml $d }}`, ""},
		{"a list twice in itself", `{{ $d := list }}{{ range until 60 }}{{ $d = list $d $d }}{{ end }}{{ toJson $d }}`, ""},
		{"a value in itself", `{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toYamlPretty $d }}`, ""},
		{"a value in itself by merging", `{{ $d := dict }}{{ $_ := merge $d (dict "a" $d) }}{{ $d }}`, ""},
		{"values deep in values", `{{ $d := dict }}{{ range until 100000 }}{{ $d = dict "a" $d }}{{ end }}{{ toToml $d }}`, ""},
		{"templates twice in templates", `{{ define "a0" }}{{ end }}` + doubling() + `{{ include "a60" . }}`, ""},
		{"a template in itself", `{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}`, ""},
		{"a text as a template in itself", `{{ tpl .Values.x . }}`, "x: '{{ tpl .Values.x . }}'\n"},
		{"a large value in a loop", `{{ range 1000000 }}{{ $.Values.x }}{{ end }}`, "x: " + strings.Repeat("x", 100_000) + "\n"},
		{"large values as text", `{{ range 1000000 }}{{ $x := toYaml $.Values }}{{ end }}`, "x: " + strings.Repeat("x", 1_000_000) + "\n"},
		{"a large value that changes", `{{ $d := dict }}{{ range $i := until 2000 }}{{ $_ := set $d (toString $i) (dict "a" (dict "b" 1)) }}{{ end }}{{ range until 100000 }}{{ $_ := set $d "x" 1 }}{{ end }}`, ""},
		{"actions in actions", strings.Repeat(`{{ if 1 }}`, 200_000) + strings.Repeat(`{{ end }}`, 200_000), ""},
		{"a text that is not kept", `{{ range 1000000 }}{{ if toYaml $.Values | len | eq 1 }}{{ end }}{{ end }}`, "x: " + strings.Repeat("x", 100_000) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := tree(meta + pod("acme/app:1"))
			fsys["c/templates/a.yaml"], fsys["c/values.yaml"] = file(tt.text), file(tt.values)
			r, err := helm.Extractor{}.Extract(fsys, "c/Chart.yaml")
			if err != nil || len(r.Problems) != 1 || r.Problems[0].Cause != fact.Limit || len(r.Found) != 1 {
				why := ""
				for _, p := range r.Problems {
					why += p.Why[:min(len(p.Why), 200)] + "\n"
				}
				t.Errorf("error %v, problems %s", err, why)
			}
		})
	}
}

func doubling() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, `{{ define "a%d" }}{{ include "a%d" . }}{{ include "a%d" . }}{{ end }}`, i+1, i, i)
	}
	return b.String()
}

func FuzzExtract(f *testing.F) {
	f.Add("image: {repository: a, tag: 1.10}\nx: &x [*x]\n", "kind: Pod\napiVersion: v1\nspec: {containers: [{name: a, image: '{{ .Values.image.repository }}:{{ .Values.image.tag }}'}]}\n", "name: c\nversion: 1.0.0\napiVersion: v2\n")
	f.Add("image: a:1\n", "{{ define \"x\" }}a{ {{- /* x */ -}} {b{{ end }}{{- range $i, $x := until 3 -}}\nkind: Pod\napiVersion: v1\nspec: {containers: [{name: a, image: {{ tpl $.Values.image $ }}}]}\n---\n{{ else }}{{ break }}{{ end }}", "name: c\nversion: 1.0.0\napiVersion: v2\ndependencies: [{name: x}, {name: y, repository: \"file://..\", condition: a.b}]\n")
	f.Add("", "{{ include \"x\" (dict \"a\" .) | nindent 4 }}{{ with .Values }}{{ end }}{{ block \"b\" . }}{{ end }}", "name: c\ntype: library\nversion: 1\n")
	f.Fuzz(func(t *testing.T, values, template, chart string) {
		fsys := tree("")
		for name, text := range map[string]string{"Chart.yaml": chart, "values.yaml": values, "templates/t.yaml": template} {
			fsys[name] = file(text)
		}
		r, err := helm.Extractor{}.Extract(fsys, "Chart.yaml")
		if err != nil {
			return
		}
		for _, f := range r.Found {
			if s := f.Site; s != nil && (s.Start > s.End || s.End > len(fsys[s.File].Data)) {
				t.Fatalf("%q has the site %+v", f.Raw, *s)
			}
			if f.Origin.Line < 1 || (f.Ref.Name == "") == (f.Unresolved == "") {
				t.Fatalf("%+v", f)
			}
		}
		for _, p := range r.Problems {
			if p.Why == "" || p.Cause == "" || p.Origin.Line < 1 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
