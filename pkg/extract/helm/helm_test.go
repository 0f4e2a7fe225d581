package helm_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/helm"
)

// scaffold is what "helm create" makes, without what names no images.
const scaffold = `-- app/Chart.yaml --
apiVersion: v2
name: app
version: 0.1.0
appVersion: "1.16.0"
-- app/values.yaml --
replicaCount: 1
image:
  repository: acme/web
  pullPolicy: IfNotPresent
  # Overrides the image tag whose default is the chart appVersion.
  tag: ""
nameOverride: ""
autoscaling:
  enabled: false
-- app/templates/_helpers.tpl --
{{- define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "app.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- define "app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "app.name" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- end }}
-- app/templates/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.fullname" . }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  template:
    metadata:
      labels:
        {{- include "app.labels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
-- app/templates/tests/test.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: "{{ include "app.fullname" . }}-test"
  annotations:
    "helm.sh/hook": test
spec:
  containers:
    - name: wget
      image: busybox # intact:ignore TAG001 only a test
      command: ['wget']
-- app/templates/NOTES.txt --
Installed {{ .Release.Name }}.
`

const meta = "-- c/Chart.yaml --\napiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: v9\n"

// pod is a template with one image.
func pod(image string) string {
	return "-- c/templates/p.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n    image: " + image + "\n"
}

func tree(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		fsys[f.Name] = file(string(f.Data))
	}
	return fsys
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

// describe returns one line for each image, and for each problem.
func describe(fsys fstest.MapFS, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d:%d %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Raw)
		if f.Unresolved != "" {
			s += " (" + f.Unresolved + ")"
		}
		if f.Container != "" {
			s += fmt.Sprintf(" [%s/%s/%s %s]", f.Workload.Namespace, f.Workload.Kind, f.Workload.Name, f.Container)
		}
		if f.Off {
			s += " off"
		}
		if x := f.Site; x != nil {
			s += fmt.Sprintf(" %s<%s %s>", x.Style, x.File, fsys[x.File].Data[x.Start:x.End])
		}
		for _, o := range f.Related {
			s += fmt.Sprintf(" +%s:%d", o.Where, o.Line)
		}
		for _, i := range f.Ignored {
			s += " ignore " + i.Check
		}
		out = append(out, s)
	}
	for _, n := range r.Notices {
		out = append(out, fmt.Sprintf("notice %s:%d %s %s", n.Origin.Where, n.Origin.Line, n.Raw, n.Why))
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("problem %s:%d:%d %s: %s", p.Origin.Where, p.Origin.Line, p.Origin.Column, p.Cause, p.Why))
	}
	return out
}

func TestCharts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, files string
		want        []string
	}{
		{"the scaffold", scaffold, []string{
			"app/templates/tests/test.yaml:10:14 busybox [/Pod/app-test wget] reference<app/templates/tests/test.yaml busybox> ignore TAG001",
			"app/values.yaml:6:9 acme/web:1.16.0 [/Deployment/app app] tag<app/values.yaml > +app/Chart.yaml:4 +app/templates/deployment.yaml:18 +app/values.yaml:3",
		}},
		{"a literal", meta + pod("acme/app:1.2 # intact:ignore TAG001 ours"), []string{
			"c/templates/p.yaml:7:12 acme/app:1.2 [/Pod/p a] reference<c/templates/p.yaml acme/app:1.2> ignore TAG001",
		}},
		{"a literal with a digest", meta + pod("acme/app:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), []string{
			"c/templates/p.yaml:7:12 acme/app:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [/Pod/p a] reference<c/templates/p.yaml acme/app:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
		}},
		{"a text in an action", meta + pod(`{{ .Values.image | default "acme/app:1.2" }}`), []string{
			"c/templates/p.yaml:7:40 acme/app:1.2 [/Pod/p a] reference<c/templates/p.yaml acme/app:1.2> +c/templates/p.yaml:7",
		}},
		{"a whole value", meta + "-- c/values.yaml --\nimage: acme/app:1.2 # intact:ignore TAG001 ours\n" + pod("{{ .Values.image }}"), []string{
			"c/values.yaml:1:8 acme/app:1.2 [/Pod/p a] reference<c/values.yaml acme/app:1.2> +c/templates/p.yaml:7 ignore TAG001",
		}},
		{"a value in quotes", meta + "-- c/values.yaml --\nweb: {image: 'acme/app:1.2'}\n" + pod("{{ .Values.web.image | quote }}"), []string{
			"c/values.yaml:1:15 acme/app:1.2 [/Pod/p a] reference<c/values.yaml acme/app:1.2> +c/templates/p.yaml:1",
		}},
		{"name and tag", meta + "-- c/values.yaml --\nimage:\n  repository: acme/app\n  tag: 1.2.3\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}"`), []string{
			"c/values.yaml:3:8 acme/app:1.2.3 [/Pod/p a] tag<c/values.yaml 1.2.3> +c/templates/p.yaml:7 +c/values.yaml:2",
		}},
		{"a tag that is a number", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: 1.10}\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}"`), []string{
			"c/templates/p.yaml:7:47 acme/app:1.1 [/Pod/p a] +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"a tag that is a whole number", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: 12}\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}"`), []string{
			"c/values.yaml:1:36 acme/app:12 [/Pod/p a] tag<c/values.yaml 12> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"the name alone is a value", meta + "-- c/values.yaml --\nrepository: acme/app\n" + pod(`{{ .Values.repository }}:1.2`), []string{
			"c/templates/p.yaml:7:37 acme/app:1.2 [/Pod/p a] tag<c/templates/p.yaml 1.2> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"the tag alone is a value", meta + "-- c/values.yaml --\ntag: v12\n" + pod(`acme/app:{{ .Values.tag }}`), []string{
			"c/values.yaml:1:6 acme/app:v12 [/Pod/p a] tag<c/values.yaml v12> +c/templates/p.yaml:7",
		}},
		{"a registry and a reference", meta + "-- c/values.yaml --\nregistry: reg.example\nimage: acme/app:1.2\n" + pod(`{{ .Values.registry }}/{{ .Values.image }}`), []string{
			"c/values.yaml:2:8 reg.example/acme/app:1.2 [/Pod/p a] tag<c/values.yaml 1.2> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"a version that is in labels too", meta + "-- c/values.yaml --\ntag: v12\n-- c/templates/p.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {version: \"{{ .Values.tag }}\"}}\nspec: {containers: [{name: a, image: \"app:{{ .Values.tag }}\"}]}\n", []string{
			"c/values.yaml:1:6 app:v12 [/Pod/p a] +c/templates/p.yaml:4",
		}},
		{"the version of the application", meta + pod("acme/app:{{ .Chart.AppVersion }}"), []string{
			"c/Chart.yaml:4:13 acme/app:v9 [/Pod/p a] tag<c/Chart.yaml v9> +c/templates/p.yaml:7",
		}},
		{"a tag and a digest that has a field", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}@{{ .Values.image.digest }}"`), []string{
			"c/values.yaml:1:48 acme/app:v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [/Pod/p a] digest<c/values.yaml sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"an empty digest beside a tag", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1, digest: \"\"}\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}"`), []string{
			"c/values.yaml:1:49 acme/app:v1 [/Pod/p a] digest<c/values.yaml > +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"an empty digest in place of a tag", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1, digest: \"\"}\n" + pod(`"{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag }}{{ end }}"`), []string{
			"c/values.yaml:1:36 acme/app:v1 [/Pod/p a] tag<c/values.yaml v1> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"a global registry and a helper", meta + "-- c/values.yaml --\nglobal: {imageRegistry: reg.example}\nimage: {registry: docker.io, repository: acme/app, tag: v1}\n-- c/templates/_h.tpl --\n{{- define \"image\" -}}\n{{- $r := .image.registry }}{{ with .global }}{{ $r = .imageRegistry }}{{ end -}}\n{{ printf \"%s/%s:%s\" $r .image.repository (.image.tag | toString) }}\n{{- end }}\n" + pod(`{{ include "image" (dict "image" .Values.image "global" .Values.global) }}`), []string{
			"c/values.yaml:2:57 reg.example/acme/app:v1 [/Pod/p a] tag<c/values.yaml v1> +c/templates/p.yaml:7 +c/values.yaml:1 +c/values.yaml:2",
		}},
		{"all parts in one mapping", meta + "-- c/values.yaml --\ncontroller:\n  image:\n    registry: reg.example\n    image: acme/controller\n    tag: v1.2\n    digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" + pod("{{ with .Values.controller.image }}{{ if .repository }}{{ .repository }}{{ else }}{{ .registry }}/{{ .image }}{{ end }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}{{ end }}"), []string{
			"c/values.yaml:6:13 reg.example/acme/controller:v1.2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [/Pod/p a] digest<c/values.yaml sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa> +c/templates/p.yaml:7 +c/values.yaml:3 +c/values.yaml:4 +c/values.yaml:5",
		}},
		{"a tag that is null", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: }\n" + pod("{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"), []string{
			"c/Chart.yaml:4:13 acme/app:v9 [/Pod/p a] tag<c/Chart.yaml v9> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"values files", meta + "-- c/values.yaml --\nimage: {repository: acme/app, tag: v1}\n-- v.yaml --\nimage:\n  tag: v2\n" + pod(`"{{ .Values.image.repository }}:{{ .Values.image.tag }}"`), []string{
			"v.yaml:2:8 acme/app:v2 [/Pod/p a] tag<v.yaml v2> +c/templates/p.yaml:7 +c/values.yaml:1",
		}},
		{"containers that are values", meta + "-- c/values.yaml --\nsidecars:\n- name: log\n  image: acme/log:3\n-- c/templates/p.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: {{- toYaml .Values.sidecars | nindent 2 }}\n", []string{
			"c/values.yaml:3:10 acme/log:3 [/Pod/p log] reference<c/values.yaml acme/log:3> +c/templates/p.yaml:1",
		}},
		{"a value that is a template", meta + "-- c/values.yaml --\nimage: 'acme/app:{{ .Values.tag }}'\ntag: v7\n" + pod(`{{ tpl .Values.image . }}`), []string{
			"c/values.yaml:2:6 acme/app:v7 [/Pod/p a] tag<c/values.yaml v7> +c/templates/p.yaml:7",
		}},
		{"values with anchors", meta + "-- c/values.yaml --\nx: &tag v7\nimage: {repository: acme/app, tag: *tag}\n" + pod(`{{ .Values.image.repository }}:{{ .Values.image.tag }}`), []string{
			"c/values.yaml:1:9 acme/app:v7 [/Pod/p a] tag<c/values.yaml v7> +c/templates/p.yaml:7 +c/values.yaml:2",
		}},
		{"one value in a loop", meta + "-- c/values.yaml --\nnames: [a, b]\nimage: acme/app:1\n-- c/templates/p.yaml --\n{{ range .Values.names }}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: {{ . }}}\nspec: {containers: [{name: a, image: {{ $.Values.image }}}]}\n{{ end }}\n", []string{
			"c/values.yaml:2:8 acme/app:1 [/Pod/a a] reference<c/values.yaml acme/app:1> +c/templates/p.yaml:6",
			"c/values.yaml:2:8 acme/app:1 [/Pod/b a] reference<c/values.yaml acme/app:1> +c/templates/p.yaml:6",
		}},
		{"a value that a condition compares", meta + "-- c/values.yaml --\nregistry: docker.io\nrepository: acme/app\ntag: v2\n-- c/templates/p.yaml --\n{{ if eq .Values.registry \"docker.io\" }}\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: \"{{ .Values.registry }}/{{ .Values.repository }}:{{ .Values.tag }}\"}]}\n{{ end }}\n", []string{
			"c/values.yaml:3:6 docker.io/acme/app:v2 [/Pod/p a] tag<c/values.yaml v2> +c/templates/p.yaml:5 +c/values.yaml:2",
		}},
		{"a condition on versions", meta + "-- c/values.yaml --\ntag: 2.1.0\n-- c/templates/p.yaml --\n{{ if semverCompare \">=2\" .Values.tag }}\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: \"app:{{ .Values.tag }}\"}]}\n{{ end }}\n", []string{
			"c/values.yaml:1:6 app:2.1.0 [/Pod/p a] tag<c/values.yaml 2.1.0> +c/templates/p.yaml:5",
		}},
		{"files, capabilities, lookup", meta + "-- c/image.txt --\nacme/app:4\n" + pod(`{{ if and (semverCompare ">=1.30" .Capabilities.KubeVersion.Version) (not (lookup "v1" "Pod" "a" "b")) }}{{ .Files.Get "image.txt" | trim }}{{ end }}`), []string{
			"c/templates/p.yaml:7:120 acme/app:4 [/Pod/p a]",
		}},
		{"a subchart in a folder", meta + "-- c/charts/sub/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n-- c/charts/sub/values.yaml --\ntag: v1\n" + strings.ReplaceAll(pod("sub:{{ .Values.tag }}"), "c/", "c/charts/sub/") + "-- c/values.yaml --\nsub: {tag: v2}\n", []string{
			"c/values.yaml:1:12 sub:v2 [/Pod/p a] tag<c/values.yaml v2> +c/charts/sub/templates/p.yaml:7",
		}},
		{"a subchart with an alias, twice, and one that is off", strings.Replace(meta, "appVersion: v9\n", "dependencies:\n- {name: sub, version: 1.x.x, alias: one}\n- {name: sub, version: 1.x.x, alias: two, condition: two.enabled}\n- {name: gone, version: 1.0.0, condition: gone.enabled}\n", 1) + "-- c/charts/sub/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n-- c/charts/sub/values.yaml --\ntag: v1\n" + strings.ReplaceAll(pod("sub:{{ .Values.tag }}"), "c/", "c/charts/sub/") + "-- c/values.yaml --\none: {tag: v2}\ntwo: {enabled: false}\ngone: {enabled: false}\n", []string{
			"c/charts/sub/values.yaml:1:6 sub:v1 [// a] off tag<c/charts/sub/values.yaml v1> +c/charts/sub/templates/p.yaml:7",
			"c/values.yaml:1:12 sub:v2 [/Pod/p a] tag<c/values.yaml v2> +c/charts/sub/templates/p.yaml:7",
			"notice c/Chart.yaml:7 gone:1.0.0 of charts that values switch off and that are not in charts/",
		}},
		{"dependencies that are not there", strings.Replace(meta, "appVersion: v9\n", "dependencies:\n- name: redis\n  version: 1.0.0\n  repository: oci://reg.example/charts\n- {name: pg, version: 2.0.0, repository: https://charts.example, alias: db}\n", 1) + pod("acme/app:1"), []string{
			"c/Chart.yaml:5:9 reg.example/charts/redis:1.0.0 (dependency redis of chart c is not in charts/: helm dependency build, or --rendered with a folder of what you render)",
			"c/Chart.yaml:8:10 https://charts.example/pg:2.0.0 (dependency pg of chart c is not in charts/: helm dependency build, or --rendered with a folder of what you render)",
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
		}},
		{"a dependency beside the chart", strings.Replace(meta, "appVersion: v9\n", "dependencies:\n- {name: lib, version: 1.0.0, repository: file://../lib}\n", 1) + "-- lib/Chart.yaml --\napiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n-- lib/templates/_i.tpl --\n{{ define \"lib.image\" }}acme/lib:5{{ end }}\n" + pod(`{{ include "lib.image" . }}`), []string{
			"lib/templates/_i.tpl:1:25 acme/lib:5 [/Pod/p a] reference<lib/templates/_i.tpl acme/lib:5> +c/templates/p.yaml:7",
		}},
		{"a library by itself", strings.Replace(meta, "version: 1.2.3", "version: 1.2.3\ntype: library", 1) + "-- c/templates/_i.tpl --\n{{ define \"lib.image\" }}acme/lib:5{{ end }}\n", nil},
		{"custom resources", meta + "-- c/crds/x.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: acme/crd:1}]}\n" + pod("acme/app:1"), []string{
			"c/crds/x.yaml:4:38 acme/crd:1 [/Pod/p a] reference<c/crds/x.yaml acme/crd:1>",
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
		}},
		{"a value that is required", meta + "-- c/values.yaml --\nsidecar: {image: acme/side:1}\n-- c/templates/a.yaml --\nkind: X\n{{ required \"set .Values.web.host\" .Values.host }}\n" + pod("acme/app:1"), []string{
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
			"c/values.yaml:1:18 acme/side:1 (the chart does not render as a whole, so it is not known what uses it)",
			"problem c/templates/a.yaml:2:4 unsupported: does not render: set .Values.web.host",
		}},
		{"a template that can't be parsed", meta + "-- c/templates/a.yaml --\nkind: X\n\n{{ if }}\n" + pod("acme/app:1"), []string{
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
			"problem c/templates/a.yaml:3:1 unsupported: no template: missing value for if",
		}},
		{"a function that is not there", meta + "-- c/templates/a.yaml --\nkind: X\n\n{{ what .Values.x }}\n" + pod("acme/app:1"), []string{
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
			"problem c/templates/a.yaml:3:4 unsupported: does not render: function \"what\" not defined",
		}},
		{"a helper that fails", meta + "-- c/templates/_h.tpl --\n{{ define \"h\" }}{{ .Values.a.b.c }}{{ end }}\n-- c/templates/a.yaml --\nkind: X\n\n{{ include \"h\" . }}\n" + pod("acme/app:1"), []string{
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
			"problem c/templates/a.yaml:3:4 unsupported: does not render: executing \"c/templates/a.yaml\" at <include \"h\" .>: error calling include: c/templates/_h.tpl:1:20 executing \"h\" at <.Values.a.b.c>: nil pointer evaluating interface {}.b",
		}},
		{"what renders is no YAML", meta + "-- c/templates/a.yaml --\nkind: X\na: [\n" + pod("acme/app:1"), []string{
			"c/templates/p.yaml:7:12 acme/app:1 [/Pod/p a] reference<c/templates/p.yaml acme/app:1>",
			"problem c/templates/a.yaml:1:1 unsupported: line 4 of what c/templates/a.yaml renders: not valid YAML: did not find expected node content",
		}},
		{"a chart that can't be loaded", "-- c/Chart.yaml --\nname: c\nversion: [\n-- c/values.yaml --\nimage: acme/app:1\n" + pod("acme/app:1"), []string{
			"c/values.yaml:1:8 acme/app:1 (the chart does not render as a whole, so it is not known what uses it)",
			"problem c/Chart.yaml:3:1 unsupported: not valid YAML: did not find expected node content",
			"problem c/Chart.yaml:1:1 unsupported: render the chart: load the chart: cannot load Chart.yaml: error converting YAML to JSON: yaml: line 2: did not find expected node content",
		}},
		{"values that can't be read", meta + "-- c/values.yaml --\na: [\n" + pod("acme/app:1"), []string{
			"problem c/values.yaml:2:1 unsupported: not valid YAML: did not find expected node content",
			"problem c/Chart.yaml:1:1 unsupported: render the chart: load the chart: cannot load values.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did not find expected node content",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := tree(tt.files)
			first := txtar.Parse([]byte(tt.files)).Files[0].Name
			var charts []helm.Chart
			if fsys["v.yaml"] != nil {
				charts = []helm.Chart{{Chart: "c", Values: []string{"v.yaml"}}}
			}
			r, err := helm.Extractor{Charts: charts}.Extract(fsys, first)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, describe(fsys, r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
