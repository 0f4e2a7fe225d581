package helm_test

import (
	"fmt"
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
			"app/values.yaml:6:9 acme/web:1.16.0 [/Deployment/app app] tag<app/values.yaml >",
		}},
		{"a literal", meta + pod("acme/app:1.2"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := tree(tt.files)
			first := txtar.Parse([]byte(tt.files)).Files[0].Name
			r, err := helm.Extractor{Charts: []helm.Chart{{"c", []string{"v.yaml"}}}}.Extract(fsys, first)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, describe(fsys, r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
