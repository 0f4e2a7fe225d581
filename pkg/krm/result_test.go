package krm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/krm"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// What krm writes is what those who use the library's types read and write.
func TestResultIsThatOfTheLibrary(t *testing.T) {
	t.Parallel()
	id := &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		NameMeta: yaml.NameMeta{Name: "web", Namespace: "shop"},
	}
	short := &yaml.ResourceIdentifier{TypeMeta: yaml.TypeMeta{Kind: "List"}, NameMeta: yaml.NameMeta{Name: "all"}}
	tests := map[string]struct {
		ours    krm.Result
		library framework.Result
	}{
		"all": {
			krm.Result{
				Message: "m: of\n two lines", Severity: krm.Error, ResourceRef: id, Field: &krm.Field{Path: "spec.image", CurrentValue: "1"},
				File: &krm.File{Path: "a/b.yaml", Index: 2}, Tags: map[string]string{"b": "x", "a": "1"},
			},
			framework.Result{
				Message: "m: of\n two lines", Severity: framework.Error, ResourceRef: id, Field: &framework.Field{Path: "spec.image", CurrentValue: "1"},
				File: &framework.File{Path: "a/b.yaml", Index: 2}, Tags: map[string]string{"b": "x", "a": "1"},
			},
		},
		"parts": {
			krm.Result{Message: "m", Severity: krm.Warning, ResourceRef: short, Field: &krm.Field{Path: "x"}, File: &krm.File{Path: "a"}},
			framework.Result{Message: "m", Severity: framework.Warning, ResourceRef: short, Field: &framework.Field{Path: "x"}, File: &framework.File{Path: "a"}},
		},
		"message": {krm.Result{Message: "m", Severity: krm.Info}, framework.Result{Message: "m", Severity: framework.Info}},
	}
	for name, tt := range tests {
		ours, err := yaml.Marshal([]*krm.Result{&tt.ours})
		if err != nil {
			t.Fatal(err)
		}
		library, err := yaml.Marshal([]*framework.Result{&tt.library})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(library), string(ours)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(tt.library.String(), tt.ours.String()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
