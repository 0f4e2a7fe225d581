package kustomize_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/kustomize"
	"github.com/intact-dev/intact/pkg/fact"
)

// Each of thirty overlays is made of the next one twice.
func TestDoublingOverlays(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "-- o%d/kustomization.yaml --\nresources: [../a%d, ../b%d]\n", i, i, i)
		for _, side := range []string{"a", "b"} {
			fmt.Fprintf(&b, "-- %s%d/kustomization.yaml --\nnamePrefix: %s\nresources: [../o%d]\n", side, i, side, i+1)
		}
	}
	b.WriteString("-- o30/kustomization.yaml --\nresources: [p.yaml]\n-- o30/p.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n")
	r, err := kustomize.Extractor{}.Extract(tree(b.String()), "o0/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) != 1 || r.Problems[0].Cause != fact.Limit {
		t.Errorf("problems %+v", r.Problems)
	}
}

// Each copy can double the object.
func TestCopyingPatches(t *testing.T) {
	t.Parallel()
	patch := strings.Repeat("    - {op: copy, from: /spec, path: /spec/x}\n", 40)
	r, err := kustomize.Extractor{}.Extract(tree(base+"-- k/kustomization.yaml --\nresources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |\n"+patch), "k/kustomization.yaml")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Cause != fact.Limit || len(r.Found) != 2 {
		t.Errorf("%d found, problems %+v, error %v", len(r.Found), r.Problems, err)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("resources: [r.yaml]\nimages: [{name: a, newName: b, newTag: c}]\npatches: [{path: p.yaml}]\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a:1}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: b, image: b:1}]}\n")
	f.Add("resources: [r.yaml, \"https://x\", ..]\nhelmCharts: [{name: x}]\ncomponents: [.]\npatchesJson6902: [{target: {kind: Pod}, path: p.yaml}]\n",
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: &s {a: *s}}]\n",
		"[{op: add, path: /spec/containers/-, value: {image: x}}]")
	f.Add("kind: Component\nbases: [r.yaml]\nimageTags: [{name: a, digest: b}]\ncommonLabels: {a: b}\nconfigMapGenerator: [{name: c, envs: [p.yaml], literals: [a=b]}]\n", "", "A=b")
	f.Fuzz(func(t *testing.T, kustomization, resource, patch string) {
		fsys := tree("")
		for name, text := range map[string]string{"kustomization.yaml": kustomization, "r.yaml": resource, "p.yaml": patch} {
			fsys[name] = file(text)
		}
		r, err := kustomize.Extractor{}.Extract(fsys, "kustomization.yaml")
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
	})
}
