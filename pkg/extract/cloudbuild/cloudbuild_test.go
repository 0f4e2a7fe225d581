package cloudbuild_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/cloudbuild"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const config = "cloudbuild.yaml"

func TestWhatStepsRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, cloudbuild.Extractor{}, config, []casetest.Case{
		{Name: "steps", Files: "steps:\n- name: gcr.io/cloud-builders/docker # intact:ignore REF002 x\n  args: [build, -t, 'gcr.io/p/x', .]\n- {name: 'golang:1.22'}\nimages: [gcr.io/p/x]\n",
			Want: "2:9 gcr.io/cloud-builders/docker {gcr.io/cloud-builders/docker} ignore REF002\n4:11 golang:1.22 {golang:1.22}"},
		{Name: "substitution", Files: "steps: [{name: 'a:$_T'}, {name: 'a:${_T}-x'}]\nsubstitutions: {_T: '1'}\n", Want: "1:17 a:1\n1:34 a:1-x"},
		{Name: "substitution_of_one", Files: "steps: [{name: 'a:$_T'}]\nsubstitutions: {_T: '1'}\n", Want: "1:17 a:1 {:1}"},
		{Name: "substitution_used_in_args", Files: "steps: [{name: 'a:$_T', args: [$_T]}]\nsubstitutions: {_T: '1'}\n", Want: "1:17 a:1"},
		{Name: "whole_value", Files: "steps: [{name: $_I}]\nsubstitutions: {_I: 'a:$_T', _T: '1'}\n", Want: "1:16 a:1 {:1}"},
		{Name: "no_default", Files: "steps: [{name: 'a:$_T'}]\n", Want: "1:17 a:$_T ?the substitution $_T has no default"},
		{Name: "built_in", Files: "steps: [{name: 'gcr.io/$PROJECT_ID/a'}]\n", Want: "1:17 gcr.io/$PROJECT_ID/a ?Cloud Build sets $PROJECT_ID when the build runs"},
		{Name: "cycle", Files: "steps: [{name: $_T}]\nsubstitutions: {_T: $_T}\n", Want: "1:16 $_T ?the substitution $_T names itself, or too many others"},
		{Name: "json", Files: "-- ci/cloudbuild.json --\n{\"steps\": [{\"name\": \"a:1\"}]}\n", Want: "1:22 a:1 {a:1}"},
		{Name: "wrong_types", Files: "steps: [{name: [x]}]\n---\nsteps: x\n",
			Want: "1:16 problem unsupported: an image is a text; this is none\n3:1 problem unsupported: a build has a list of steps; there is none to read here"},
	})
}

// Substitutions that name each other many times are not followed to the end.
func TestSubstitutionsThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("steps: [{name: $_V00}]\nsubstitutions:\n")
	for i := range 8 {
		for j := range 20 {
			fmt.Fprintf(&b, "  _V%d%d: ''\n", i+1, j)
			fmt.Fprintf(&b, "  _V%d%d:\n", i, j)
			for k := range 20 {
				fmt.Fprintf(&b, "    $_V%d%d\n", i+1, k)
			}
		}
	}
	fsys, first := casetest.Files(config, b.String())
	r, err := cloudbuild.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Found) != 1 || r.Found[0].Unresolved == "" {
		t.Errorf("%+v: %v", r, err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"cloudbuild.yaml": true, "a/cloudbuild-test.yml": true, "ci.cloudbuild.json": true, "cloudbuild.tf": false, "mycloudbuild.yaml": false, "cloudbuilds.yaml": false,
	} {
		if got := (cloudbuild.Extractor{}).Match(p, nil); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
}

func FuzzConfig(f *testing.F) {
	casetest.Fuzz(f, cloudbuild.Extractor{}, config, "steps: [{name: '${_I}:$_T$$'}, {name: b}]\nsubstitutions: {_I: a, _T: $_I}\n", `{"steps": [{"name": "a:$PROJECT_ID"}]}`)
}
