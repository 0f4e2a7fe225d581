package helm_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/helm"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: helm.Extractor{}, Path: "Chart.yaml", Files: map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: v9\n",
		"values.yaml": "image: {repository: acme/app, tag: v1, digest: \"\"}\nside: acme/side:2\n",
		"templates/p.yaml": `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - {name: a, image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"}
  - {name: b, image: {{ .Values.side }}}
  - {name: c, image: "acme/c:{{ .Chart.AppVersion }}"}
  - {name: d, image: acme/d:4}
`,
	}})
}
