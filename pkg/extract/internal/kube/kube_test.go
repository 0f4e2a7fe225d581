package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract/internal/kube"
)

// read returns one line for each image: its place, what it is, and for whom.
func read(t *testing.T, r *kube.Reader, text string) []string {
	t.Helper()
	images, problems, err := r.Read("f.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range images {
		s := fmt.Sprintf("%d %s %s", i.Origin.Line, i.Origin.Path, i.Raw)
		if i.Kind != "image" {
			s += " " + string(i.Kind)
		}
		if i.Unresolved != "" {
			s += " (" + i.Unresolved + ")"
		} else if got := i.Ref.String(); got != i.Raw {
			t.Errorf("%s: the reference is %q", s, got)
		}
		if i.Container != "" {
			s += fmt.Sprintf(" [%s/%s %s %s]", i.Workload.Kind, i.Workload.Name, i.Role, i.Container)
		}
		if i.Site != nil {
			before := text[:i.Site.Start]
			if line, column := 1+strings.Count(before, "\n"), i.Site.Start-strings.LastIndexByte(before, '\n'); i.Site.Before == "" && (line != i.Origin.Line || column != i.Origin.Column) {
				t.Errorf("%s: is at %d:%d, its bytes at %d:%d", s, i.Origin.Line, i.Origin.Column, line, column)
			}
			s += fmt.Sprintf(" <%s>%s", text[i.Site.Start:i.Site.End], strings.ReplaceAll(i.Site.Before, "\n", "/"))
		}
		out = append(out, s)
	}
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d problem: %s", p.Origin.Line, p.Why))
	}
	return out
}

type example struct {
	name, text string
	want       []string
}

func run(t *testing.T, examples []example) {
	for _, tt := range examples {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, read(t, &kube.Reader{}, tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func object(apiVersion, kind, rest string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: n}\n" + rest
}

func TestPods(t *testing.T) {
	t.Parallel()
	pod := "containers: [{name: a, image: acme/app:1}]"
	run(t, []example{
		{"pod", object("v1", "Pod", "spec:\n  containers:\n  - name: a\n    image: acme/app:1\n  - {name: b, image: 'acme/b:2'}\n"),
			[]string{"7 spec.containers[0].image acme/app:1 [Pod/n container a] <acme/app:1>",
				"8 spec.containers[1].image acme/b:2 [Pod/n container b] <acme/b:2>"}},
		{"all roles", object("v1", "Pod", `spec:
  initContainers:
  - {name: i, image: i:1}
  - {name: s, image: s:1, restartPolicy: Always}
  containers:
  - {name: a, image: a:1}
  ephemeralContainers:
  - {name: e, image: e:1}
  volumes:
  - {name: v, image: {reference: v:1}}
  - {name: w, emptyDir: {}}
`), []string{"6 spec.initContainers[0].image i:1 [Pod/n init i] <i:1>",
			"7 spec.initContainers[1].image s:1 [Pod/n sidecar s] <s:1>",
			"9 spec.containers[0].image a:1 [Pod/n container a] <a:1>",
			"11 spec.ephemeralContainers[0].image e:1 [Pod/n ephemeral e] <e:1>",
			"13 spec.volumes[0].image.reference v:1 [Pod/n image-volume v] <v:1>"}},
		{"deployment", object("apps/v1", "Deployment", "spec: {template: {spec: {"+pod+"}}}"),
			[]string{"4 spec.template.spec.containers[0].image acme/app:1 [Deployment/n container a] <acme/app:1>"}},
		{"cron job", object("batch/v1", "CronJob", "spec: {jobTemplate: {spec: {template: {spec: {"+pod+"}}}}}"),
			[]string{"4 spec.jobTemplate.spec.template.spec.containers[0].image acme/app:1 [CronJob/n container a] <acme/app:1>"}},
		{"pod template", object("v1", "PodTemplate", "template: {spec: {"+pod+"}}"),
			[]string{"4 template.spec.containers[0].image acme/app:1 [PodTemplate/n container a] <acme/app:1>"}},
		{"replication controller", object("v1", "ReplicationController", "spec: {template: {spec: {"+pod+"}}}"),
			[]string{"4 spec.template.spec.containers[0].image acme/app:1 [ReplicationController/n container a] <acme/app:1>"}},
		{"list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {generateName: g-}\n  spec: {" + pod + "}\n- {apiVersion: v1, kind: Service}\n",
			[]string{"7 items[0].spec.containers[0].image acme/app:1 [Pod/g- container a] <acme/app:1>"}},
		{"json", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"},"spec":{"containers":[{"name":"a","image":"acme/app:1"}]}}`,
			[]string{"1 spec.containers[0].image acme/app:1 [Pod/n container a] <acme/app:1>"}},
		{"documents, one of them broken", object("v1", "Pod", "spec: {"+pod+"}\n---\na: [\n---\n"+object("v1", "Pod", "spec: {"+pod+"}\n")),
			[]string{"4 spec.containers[0].image acme/app:1 [Pod/n container a] <acme/app:1>",
				"11 spec.containers[0].image acme/app:1 [Pod/n container a] <acme/app:1>",
				"7 problem: not valid YAML: did not find expected node content"}},
		{"placeholders", object("v1", "Pod", `spec:
  containers:
  - {name: a, image: $(params.image)}
  - {name: b, image: "{{inputs.parameters.x}}:1"}
  - {name: c, image: "acme/app:${VERSION}"}
  - name: d
    image: {{ .Values.image }}
  - {name: e, image: ko://example.com/cmd}
  - {name: f, image: Acme/App}
  - {name: g, image: auto}
  - {name: h, image: <IMAGE>}
  - {name: i, image: [x]}
`), []string{"6 spec.containers[0].image $(params.image) (parameter $(params.image)) [Pod/n container a]",
			`7 spec.containers[1].image {{inputs.parameters.x}}:1 (template {{inputs.parameters.x}}) [Pod/n container b]`,
			`8 spec.containers[2].image acme/app:${VERSION} (variable ${VERSION}) [Pod/n container c]`,
			"10 spec.containers[3].image {{ .Values.image }} (template {{ .Values.image }}) [Pod/n container d]",
			"11 spec.containers[4].image ko://example.com/cmd (ko builds it when it is applied) [Pod/n container e]",
			"12 spec.containers[5].image Acme/App (no reference: the repository must be lower case) [Pod/n container f]",
			"13 spec.containers[6].image auto (auto: Istio puts its own image there when the pod is made) [Pod/n container g]",
			"14 spec.containers[7].image <IMAGE> (placeholder <IMAGE>) [Pod/n container h]",
			"15 spec.containers[8].image [x]} (no reference: it is no text) [Pod/n container i]"}},
		{"anchors", object("v1", "Pod", "x: &c {image: acme/app:1}\nspec:\n  containers:\n  - {name: a, <<: *c}\n  - {name: c, image: &i acme/c:1}\n  - {name: b, image: *i}\n"),
			[]string{"4 spec.containers[0].image acme/app:1 [Pod/n container a] <acme/app:1>",
				"8 spec.containers[1].image acme/c:1 [Pod/n container c] <acme/c:1>",
				"8 spec.containers[2].image acme/c:1 [Pod/n container b] <acme/c:1>"}},
		{"a kind that nobody knows", object("example.com/v1", "Thing", `spec:
  image: acme/not-asked-for:1
  deep:
  - pod: {containers: [{name: a, image: a:1}], initContainers: [{image: nameless:1}]}
  container: {name: b, image: b:1}
`), []string{"7 spec.deep[0].pod.containers[0].image a:1 [Thing/n container a] <a:1>"}},
		{"an object in an object", object("example.com/v1", "Thing", "spec:\n  manifest:\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec: {"+pod+"}\n"),
			[]string{"9 spec.manifest.spec.containers[0].image acme/app:1 [Pod/p container a] <acme/app:1>"}},
		{"no object", "services: {a: {image: x}}\ncontainers: [{name: a, image: b}]\n", nil},
		{"metadata and status are no place for pods", object("v1", "Pod", "status: {"+pod+"}\n"), nil},
		{"arguments", object("v1", "Pod", `spec:
  containers:
  - name: a
    image: a:1
    args:
    - --acme-http01-solver-image=quay.io/jetstack/solver:v1
    - "--prometheus-config-reloader"
    - quay.io/reloader:v2
    - --other=x
`), []string{"7 spec.containers[0].image a:1 [Pod/n container a] <a:1>",
			"9 spec.containers[0].args[0] quay.io/jetstack/solver:v1 <quay.io/jetstack/solver:v1>",
			"11 spec.containers[0].args[2] quay.io/reloader:v2 <quay.io/reloader:v2>"}},
		{"a marker stays", object("v1", "Pod", "spec:\n  containers:\n  - name: a\n    image: a:1 # {\"$imagepolicy\": \"flux-system:a\"}\n"),
			[]string{"7 spec.containers[0].image a:1 [Pod/n container a] <a:1>"}},
		{"twice", object("v1", "Pod", "spec:\n  containers:\n  - name: a\n    image: a:1\n    image: a:2\n"),
			[]string{"8 spec.containers[0].image a:2 [Pod/n container a] <a:2>",
				`8 problem: the key "image" is there twice, first in line 7; which of them counts is up to the reader`}},
	})
}
