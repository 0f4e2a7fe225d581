package kustomize_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/kustomize"
)

const base = `-- base/kustomization.yaml --
resources: [deploy.yaml]
-- base/deploy.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: app
        image: acme/app:1
      - name: side
        image: acme/side:2
`

func tree(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		fsys[f.Name] = file(string(f.Data))
	}
	return fsys
}

// describe returns one line for each image, and for each problem.
func describe(fsys fstest.MapFS, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d %s", f.Origin.Where, f.Origin.Line, f.Raw)
		if f.Unresolved != "" {
			s += " (" + f.Unresolved + ")"
		}
		if f.Container != "" {
			s += fmt.Sprintf(" [%s/%s/%s %s]", f.Workload.Namespace, f.Workload.Kind, f.Workload.Name, f.Container)
		}
		if x := f.Site; x != nil {
			s += fmt.Sprintf(" %s<%s%s>", x.Style, strings.ReplaceAll(x.Before, "\n", "/"), fsys[x.File].Data[x.Start:x.End])
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
		why, _, _ := strings.Cut(p.Why, "\n")
		out = append(out, fmt.Sprintf("problem %s:%d %s: %s", p.Origin.Where, p.Origin.Line, p.Cause, why))
	}
	for _, n := range r.Notices {
		out = append(out, fmt.Sprintf("notice %s:%d %s", n.Origin.Where, n.Origin.Line, n.Raw))
	}
	return append(out, "claims "+strings.Join(r.Claims, " "))
}

func TestOverlays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, files string
		want        []string
	}{
		{"a base", strings.ReplaceAll(base, "base/", "k/"), []string{
			"k/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"k/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"claims k/deploy.yaml",
		}},
		{"a tag", base + "-- k/kustomization.yaml --\nnamespace: shop\nnamePrefix: x-\nresources: [../base]\nimages:\n- name: acme/app\n  newTag: \"7\" # intact:ignore REF001 ours\n", []string{
			"base/deploy.yaml:11 acme/side:2 [shop/Deployment/x-web side] reference<acme/side:2>",
			"k/kustomization.yaml:6 acme/app:7 [shop/Deployment/x-web app] digest</  digest: > +k/kustomization.yaml:5 +base/deploy.yaml:9 ignore REF001",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a name", base + "-- k/kustomization.yaml --\nresources: [../base]\nimages:\n- name: acme/app\n  newName: other/app\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:4 other/app:1 [/Deployment/web app] digest</  digest: > +k/kustomization.yaml:3 +base/deploy.yaml:9",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a name and a tag in two overlays", base + "-- mid/kustomization.yaml --\nresources: [../base]\nimages: [{name: acme/app, newTag: v3}]\n-- k/kustomization.yaml --\nresources: [../mid]\nimages:\n- name: acme/app\n  newName: other/app\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:4 other/app:v3 [/Deployment/web app] digest</  digest: > +k/kustomization.yaml:3 +base/deploy.yaml:9",
			"claims base/deploy.yaml base/kustomization.yaml mid/kustomization.yaml",
		}},
		{"a digest", base + "-- k/kustomization.yaml --\nresources: [../base]\nimages:\n- name: acme/app\n  digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n- name: acme/side\n  newTag: v3\n  digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", []string{
			"k/kustomization.yaml:4 acme/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [/Deployment/web app] digest<sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa> +k/kustomization.yaml:3 +base/deploy.yaml:9",
			"k/kustomization.yaml:7 acme/side:v3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [/Deployment/web side] digest<sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa> +k/kustomization.yaml:6 +base/deploy.yaml:11",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a tag of a number", base + "-- k/kustomization.yaml --\nresources: [../base]\nimages: [{name: acme/app, newTag: 1.10}]\n", []string{
			"k/kustomization.yaml:2 acme/app:1.10 (the tag 1.10 is a number and not read as it is written; put it in quotes) +k/kustomization.yaml:2",
			"problem k/kustomization.yaml:1 unsupported: render with kustomize: invalid Kustomization: json: cannot unmarshal number into Go struct field Image.images.newTag of type string",
			"claims ",
		}},
		{"a suffix", base + "-- k/kustomization.yaml --\nresources: [../base]\nimages: [{name: acme/app, tagSuffix: -slim}]\n", []string{
			"base/deploy.yaml:9 acme/app:1-slim-slim [/Deployment/web app]",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"an entry for nothing", base + "-- k/kustomization.yaml --\nresources: [../base]\nimages: [{name: acme/other, newTag: v3}]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a container that is deleted", base + "-- k/kustomization.yaml --\nresources: [../base]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: side, $patch: delete}]}}}\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"notice base/deploy.yaml:11 acme/side:2",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"an object that is deleted", base + "-- k/kustomization.yaml --\nresources: [../base]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    $patch: delete\n", []string{
			"notice base/deploy.yaml:9 acme/app:1",
			"notice base/deploy.yaml:11 acme/side:2",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a patch of a file", base + "-- k/kustomization.yaml --\nresources: [../base]\npatches: [{path: p.yaml}]\n-- k/p.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: app, image: acme/patched:9}]}}}\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/p.yaml:4 acme/patched:9 [/Deployment/web app] reference<acme/patched:9>",
			"notice base/deploy.yaml:9 acme/app:1",
			"claims base/deploy.yaml base/kustomization.yaml k/p.yaml",
		}},
		{"an old patch, in place", base + "-- k/kustomization.yaml --\nbases: [../base]\npatchesStrategicMerge:\n- |\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {template: {spec: {containers: [{name: new, image: acme/new:9}]}}}\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:7 acme/new:9 [/Deployment/web new] reference<acme/new:9>",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a JSON patch in place", base + "-- k/kustomization.yaml --\nresources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: acme/json:9\n    - op: add\n      path: /spec/template/spec/containers/-\n      value: {name: more, image: acme/more:1}\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:7 acme/json:9 [/Deployment/web app] reference<acme/json:9>",
			"k/kustomization.yaml:10 acme/more:1 [/Deployment/web more] reference<acme/more:1>",
			"notice base/deploy.yaml:9 acme/app:1",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"an old JSON patch of a file", base + "-- k/kustomization.yaml --\nresources: [../base]\npatchesJson6902: [{target: {group: apps, version: v1, kind: Deployment, name: web}, path: p.json}]\n-- k/p.json --\n[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/image\", \"value\": \"acme/json:9\"}]\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/p.json:1 acme/json:9 [/Deployment/web app] reference<acme/json:9>",
			"notice base/deploy.yaml:9 acme/app:1",
			"claims base/deploy.yaml base/kustomization.yaml k/p.json",
		}},
		{"a component", base + "-- k/kustomization.yaml --\nresources: [../base]\ncomponents: [../c]\n-- c/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: acme/app, newTag: v8}]\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"c/kustomization.yaml:3 acme/app:v8 [/Deployment/web app] digest<, digest: > +base/deploy.yaml:9",
			"claims base/deploy.yaml base/kustomization.yaml c/kustomization.yaml",
		}},
		{"a component alone", "-- k/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: acme/app, newTag: v8}]\n", []string{
			"k/kustomization.yaml:3 acme/app:v8 digest<, digest: > +k/kustomization.yaml:3",
			"claims ",
		}},
		{"a replacement", base + "-- k/kustomization.yaml --\nresources: [../base]\nconfigMapGenerator: [{name: v, envs: [v.env]}, {name: w, files: [gone.txt]}]\nreplacements:\n- source: {kind: ConfigMap, name: v, fieldPath: data.TAG}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [spec.template.spec.containers.0.image]\n    options: {delimiter: \":\", index: 1}\n-- k/v.env --\nTAG=v5\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:1 acme/app:v5 [/Deployment/web app]",
			"notice base/deploy.yaml:9 acme/app:1",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"remote bases", base + "-- k/kustomization.yaml --\nresources: [../base, \"https://github.com/acme/base//x?ref=v1\", github.com/acme/other]\nimages: [{name: far/away, newTag: v2}]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:1 https://github.com/acme/base//x?ref=v1 (a remote base, which is not fetched)",
			"k/kustomization.yaml:1 github.com/acme/other (a remote base, which is not fetched)",
			"k/kustomization.yaml:2 far/away:v2 digest<, digest: > +k/kustomization.yaml:2",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a patch for a remote base", "-- k/kustomization.yaml --\nresources:\n- https://example.com/x.yaml\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: new, image: acme/new:9}]}}}\nimages: [{name: far/away, newTag: v2}]\n", []string{
			"k/kustomization.yaml:2 https://example.com/x.yaml (a remote base, which is not fetched)",
			"k/kustomization.yaml:8 acme/new:9 [/Deployment/web new] reference<acme/new:9>",
			"k/kustomization.yaml:9 far/away:v2 digest<, digest: > +k/kustomization.yaml:9",
			`problem k/kustomization.yaml:1 unsupported: render with kustomize: no resource matches strategic merge patch "Deployment.v1.apps/web.[noNs]": no matches for Id Deployment.v1.apps/web.[noNs]; failed to find unique target for patch Deployment.v1.apps/web.[noNs]`,
			"claims ",
		}},
		{"charts and plugins", base + "-- k/kustomization.yaml --\nresources: [../base]\nhelmCharts: [{name: redis, repo: \"oci://reg.example/charts\", version: 1.2.3}]\ntransformers: [t.yaml]\ngenerators: [g.yaml]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:2 reg.example/charts/redis:1.2.3 (a chart, which is not rendered with the overlay: --rendered takes a folder of what you render)",
			"problem k/kustomization.yaml:4 unsupported: generators are not run: what they would change is not known",
			"problem k/kustomization.yaml:3 unsupported: transformers are not run: what they would change is not known",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a cycle", "-- k/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [../k, pod.yaml]\n-- b/pod.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n", []string{
			"b/pod.yaml:4 a:1 [/Pod/p a] reference<a:1>",
			`problem b/kustomization.yaml:1 unsupported: "../k" leads back to what it is a part of`,
			"claims b/kustomization.yaml b/pod.yaml",
		}},
		{"itself", "-- k/kustomization.yaml --\nresources: [.]\n", []string{
			`problem k/kustomization.yaml:1 unsupported: "." leads back to what it is a part of`,
			"claims ",
		}},
		{"out of the tree, absolute, not there", base + "-- k/kustomization.yaml --\nresources: [../base, ../../x.yaml, /etc/passwd, gone.yaml]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			`problem k/kustomization.yaml:1 unsupported: "../../x.yaml" leads out of the tree`,
			`problem k/kustomization.yaml:1 unsupported: "/etc/passwd" leads out of the tree`,
			`problem k/kustomization.yaml:1 unsupported: "gone.yaml" is not there: file does not exist`,
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a broken resource", base + "-- k/kustomization.yaml --\nresources: [../base, bad.yaml]\n-- k/bad.yaml --\na: [\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"problem k/bad.yaml:2 unsupported: not valid YAML: did not find expected node content",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"a broken patch", base + "-- k/kustomization.yaml --\nresources: [../base]\npatches: [{patch: \"a: [\"}]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"problem k/kustomization.yaml:2 unsupported: not valid YAML: did not find expected node content",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"fields that kustomize does not have", base + "-- k/kustomization.yaml --\nresources: [../base]\nimagez: []\n", []string{
			`problem k/kustomization.yaml:1 unsupported: render with kustomize: invalid Kustomization: json: unknown field "imagez"`,
			"claims ",
		}},
		{"no mapping", "-- k/kustomization.yaml --\n[]\n", []string{
			"problem k/kustomization.yaml:1 unsupported: no kustomization: it is not a mapping",
			"claims ",
		}},
		{"names like addresses", strings.ReplaceAll(base, "base/", "k/github.com/acme/base/") + "-- k/kustomization.yaml --\nresources: [github.com/acme/base, \"https:/example.com/pod.yaml\"]\n-- k/https:/example.com/pod.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n", []string{
			"k/github.com/acme/base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"k/github.com/acme/base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/https:/example.com/pod.yaml:4 a:1 [/Pod/p a] reference<a:1>",
			"claims k/github.com/acme/base/deploy.yaml k/github.com/acme/base/kustomization.yaml k/https:/example.com/pod.yaml",
		}},
		{"many laughs", base + "-- k/kustomization.yaml --\nresources: [../base, l.yaml]\n-- k/l.yaml --\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"problem k/l.yaml:1 limit: values of a YAML document, its aliases expanded, exceeds the limit of 102150",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"definitions of custom resources alone, and beside an object", base + "-- crds/kustomization.yaml --\nresources: [crd.yaml]\n-- crds/crd.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n-- k/kustomization.yaml --\nresources: [../base, ../crds, both.yaml]\n-- k/both.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c.d}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/both.yaml:8 a:1 [/Pod/p a] reference<a:1>",
			"claims base/deploy.yaml base/kustomization.yaml crds/crd.yaml crds/kustomization.yaml k/both.yaml",
		}},
		{"a patch of a definition", "-- k/kustomization.yaml --\nresources: [both.yaml]\npatches:\n- patch: |\n    apiVersion: apiextensions.k8s.io/v1\n    kind: CustomResourceDefinition\n    metadata: {name: c.d, labels: {a: b}}\n-- k/both.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c.d}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n", []string{
			"k/both.yaml:8 a:1 [/Pod/p a] reference<a:1>",
			"claims k/both.yaml",
		}},
		{"transformers that are built in", base + "-- k/kustomization.yaml --\nresources: [../base]\ntransformers: [l.yaml, i.yaml, p.yaml]\n-- k/l.yaml --\napiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {a: b}\nfieldSpecs: [{path: metadata/labels, create: true}]\n-- k/i.yaml --\napiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: i}\nimageTag: {name: acme/app, newTag: v6}\n-- k/p.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: i}\npath: https://example.com/patch\n", []string{
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/kustomization.yaml:1 acme/app:v6 [/Deployment/web app]",
			"problem k/kustomization.yaml:2 unsupported: transformers are not run: what they would change is not known",
			"notice base/deploy.yaml:9 acme/app:1",
			"claims base/deploy.yaml base/kustomization.yaml k/i.yaml k/l.yaml",
		}},
		{"Flux's kind of that name", "-- k/kustomization.yaml --\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: ./x}\n", []string{
			"claims ",
		}},
		{"two documents", base + "-- k/kustomization.yaml --\nresources: [../base]\n---\nresources: [x]\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"problem k/kustomization.yaml:3 unsupported: only the first document of a kustomization counts",
			"claims base/deploy.yaml base/kustomization.yaml",
		}},
		{"empty", "-- k/kustomization.yaml --\n# nothing\n", []string{
			"problem k/kustomization.yaml:1 unsupported: no kustomization: it is empty",
			"claims ",
		}},
		{"a copied image", base + "-- k/kustomization.yaml --\nresources: [../base, more.yaml]\n-- k/more.yaml --\napiVersion: monitoring.coreos.com/v1\nkind: Alertmanager\nmetadata: {name: m}\nspec: {baseImage: quay.io/am, tag: v1}\n", []string{
			"base/deploy.yaml:9 acme/app:1 [/Deployment/web app] reference<acme/app:1>",
			"base/deploy.yaml:11 acme/side:2 [/Deployment/web side] reference<acme/side:2>",
			"k/more.yaml:4 quay.io/am:v1 [/Alertmanager/m alertmanager] tag<v1> +k/more.yaml:4",
			"claims base/deploy.yaml base/kustomization.yaml k/more.yaml",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := tree(tt.files)
			r, err := kustomize.Extractor{}.Extract(fsys, "k/kustomization.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, describe(fsys, r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A file that a kustomization outside of its folder names is rendered with it, and
// goes on standing for itself.
func TestFilesOfOtherFoldersAreNotClaimed(t *testing.T) {
	t.Parallel()
	fsys := tree(`-- deploy/app.yaml --
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: app, image: "acme/app:1"}]}
-- deploy/patch.yaml --
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: app, image: "acme/other:1"}]}
-- other/own.yaml --
apiVersion: v1
kind: Pod
metadata: {name: own}
spec: {containers: [{name: app, image: "acme/own:1"}]}
-- other/kustomization.yaml --
resources: [../deploy/app.yaml, own.yaml]
patches: [{path: ../deploy/patch.yaml}]
images: [{name: acme/other, newName: acme/pinned}]
`)
	r, err := kustomize.Extractor{}.Extract(fsys, "other/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"other/own.yaml"}, r.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if len(r.Found) < 2 || len(r.Problems) > 0 {
		t.Errorf("found %+v, %+v", r.Found, r.Problems)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: kustomize.Extractor{}, Path: "kustomization.yaml", Files: map[string]string{
		"kustomization.yaml": "resources: [d.yaml]\nimages:\n- name: b\n  newTag: v2\n",
		"d.yaml":             "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: acme/app:1}\n  - {name: b, image: b}\n",
	}})
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
