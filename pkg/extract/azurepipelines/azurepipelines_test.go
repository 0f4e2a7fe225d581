package azurepipelines_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/azurepipelines"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const pipeline = "azure-pipelines.yml"

func TestWhatPipelinesRunOn(t *testing.T) {
	t.Parallel()
	casetest.Run(t, azurepipelines.Extractor{}, pipeline, []casetest.Case{
		{Name: "resources", Files: "resources:\n  containers:\n  - container: b\n    image: ubuntu:16.04 # intact:ignore REF001 x\njobs: [{job: a, container: b}]\n",
			Want: "4:12 ubuntu:16.04 {ubuntu:16.04} ignore REF001"},
		{Name: "registry_of_azure", Files: "resources: {containers: [{container: b, type: ACR, registry: r, repository: x/y}]}\n",
			Want: "1:77 x/y ?the trigger chooses the tag of \"x/y\" in the registry \"r\""},
		{Name: "job", Files: "stages:\n- stage: s\n  jobs:\n  - job: a\n    container: alpine:3\n  - job: b\n    container: {image: 'alpine:4'}\n", Want: "5:16 alpine:3 {alpine:3}\n7:25 alpine:4 {alpine:4}"},
		{Name: "bare_name", Files: "jobs: [{job: a, container: alpine}]\n", Want: "1:28 alpine {alpine}"},
		{Name: "services", Files: "resources: {containers: [{container: b, image: a:1}]}\nservices: {x: b, y: 'c:1'}\n", Want: "1:48 a:1 {a:1}\n2:22 c:1 {c:1}"},
		{Name: "agent", Files: "pool: {vmImage: ubuntu-latest}\njobs: [{job: a, pool: {vmImage: 'windows-2022'}}]\n",
			Want: "1:17 ubuntu-latest machine-image floating\n2:34 windows-2022 machine-image floating"},
		{Name: "condition", Files: "jobs:\n- ${{ if eq(1, 2) }}:\n  - job: a\n    container: a:1\n- job: b\n  ${{ if x }}:\n    container: b:1\n", Want: "4:16 a:1 {a:1}\n7:16 b:1 {b:1}"},
		{Name: "inputs_of_tasks", Files: "steps: [{task: x, inputs: {container: y, vmImage: z}, target: {container: b}}]\n"},
		{Name: "wrong_type", Files: "jobs: [{job: a, container: [x]}]\n", Want: "1:28 problem unsupported: a container is a text, or a mapping with an image; this is neither"},
	})
}

func TestValues(t *testing.T) {
	t.Parallel()
	casetest.Run(t, azurepipelines.Extractor{}, pipeline, []casetest.Case{
		{Name: "matrix", Files: "strategy: {matrix: {a: {i: 'a:1'}, b: {i: 'b:1'}}}\ncontainer: $[variables['i']]\n", Want: "1:29 a:1 {a:1}\n1:44 b:1 {b:1}"},
		{Name: "matrix_of_agents", Files: "strategy: {matrix: {a: {v: ubuntu-22.04}}}\npool: {vmImage: $(v)}\n", Want: "1:28 ubuntu-22.04 machine-image floating"},
		{Name: "variable", Files: "variables: {t: '1'}\njobs: [{job: x, container: 'a:$(t)'}]\n", Want: "2:29 a:1 {:1}"},
		{Name: "variable_used_in_a_script", Files: "variables: {t: '1'}\njobs: [{job: x, container: 'a:$(t)', steps: [{script: echo $(t)}]}]\n", Want: "2:29 a:1"},
		{Name: "list_of_variables", Files: "variables: [{name: t, value: '1'}]\njobs: [{job: x, container: 'a:${{ variables.t }}'}]\n", Want: "2:29 a:1 {:1}"},
		{Name: "parameter", Files: "parameters: [{name: t, default: '1'}, {name: u}]\ntrigger: none\njobs: [{job: x, container: 'a:${{ parameters.t }}'}, {job: y, container: 'a:${{ parameters.u }}'}]\n",
			Want: "3:29 a:1 {:1}\n3:75 a:${{ parameters.u }} ?the parameter \"u\" has no value here"},
		{Name: "unset", Files: "jobs: [{job: x, container: 'a:$(Build.BuildId)'}]\n", Want: "1:29 a:$(Build.BuildId) ?the variable \"Build.BuildId\" is not set in the files"},
		{Name: "expression", Files: "jobs: [{job: x, container: 'a:${{ lower(x) }}'}]\n", Want: "1:29 a:${{ lower(x) }} ?what \"${{ lower(x) }}\" is, is not evaluated"},
		{Name: "cycle", Files: "variables: {t: $(t)}\ncontainer: a:$(t)\n", Want: "2:12 a:$(t) ?its values name each other, or too many others"},
	})
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	casetest.Run(t, azurepipelines.Extractor{}, pipeline, []casetest.Case{
		{Name: "parameters", Files: "-- azure-pipelines.yml --\nvariables: {t: '2'}\njobs: [{template: ci/j.yml, parameters: {i: 'a:$(t)'}}, {template: ci/j.yml}]\n-- ci/j.yml --\nparameters: {i: 'b:1'}\njobs: [{job: x, container: '${{ parameters.i }}'}]\n",
			Want: "ci/j.yml:2:29 a:2 {:2}\nci/j.yml:1:18 b:1 {ci/j.yml b:1}"},
		{Name: "extends_from_the_root", Files: "-- p/azure-pipelines.yml --\nextends: {template: /t.yml@self}\n-- t.yml --\nstages: [{stage: s, jobs: [{job: a, container: a:1}]}]\n", Want: "t.yml:1:48 a:1 {t.yml a:1}"},
		{Name: "elsewhere", Files: "steps: [{template: t.yml@r}, {template: gone.yml}, {template: '${{ x }}.yml'}]\n",
			Want: "1:20 t.yml@r ?the template \"t.yml\" of the repository \"r\" is not here\n1:41 gone.yml ?the template \"gone.yml\" is not here\n" +
				"1:64 ${{ x }}.yml ?which file the template \"${{ x }}.yml\" is, is not evaluated"},
		{Name: "jobs_as_parameters", Files: "-- azure-pipelines.yml --\njobs: [{template: j.yml, parameters: {container: web, jobs: [{job: a, container: a:1}]}}]\n-- j.yml --\nparameters: {container: db, jobs: []}\njobs: '${{ parameters.jobs }}'\n",
			Want: "1:82 a:1 {a:1}"},
		{Name: "cycle", Files: "jobs: [{template: azure-pipelines.yml}]\n", Want: "1:19 problem unsupported: the template \"azure-pipelines.yml\" uses itself"},
		{Name: "template_alone", Files: "-- .azure-pipelines/j.yml --\nparameters: {x: y}\njobs: [{job: x, container: builder}, {job: y, container: 'a:1'}]\n",
			Want: "2:28 builder ?whether \"builder\" is an image or a container of the pipeline is not known from its template\n2:59 a:1 {a:1}"},
	})
}

// Templates that each use the next many times are read in part.
func TestTemplatesThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 12 {
		name := fmt.Sprintf("t%d.yml", i)
		if i == 0 {
			name = pipeline
		}
		fmt.Fprintf(&b, "-- %s --\nsteps:\n%s", name, strings.Repeat(fmt.Sprintf("- template: t%d.yml\n", i+1), 20))
	}
	b.WriteString("-- t12.yml --\nsteps: []\n")
	fsys, first := casetest.Files(pipeline, b.String())
	r, err := azurepipelines.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Problems) == 0 {
		t.Errorf("%+v: %v", r, err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"azure-pipelines.yml": true, "ci/azure-pipelines-test.yaml": true, "x.azure-pipelines.yml": true, ".azuredevops/a.yml": true, "azure.yml": false, ".pipelines/x/a.yml": true,
	} {
		if got := (azurepipelines.Extractor{}).Match(p, []byte("trigger: none")); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	if (azurepipelines.Extractor{}).Match("pipelines/a.yml", []byte("apiVersion: v1\nkind: Pod")) {
		t.Error("a manifest is taken for a pipeline")
	}
}

func FuzzPipeline(f *testing.F) {
	casetest.Fuzz(f, azurepipelines.Extractor{}, pipeline,
		"resources: {containers: [{container: b, image: 'a:$(t)'}, {container: c, repository: r}]}\nvariables: [{name: t, value: 1}]\nparameters: [{name: p, default: b}]\n"+
			"pool: {vmImage: $(v)}\nstages: [{jobs: [{job: x, container: '${{ parameters.p }}', services: {s: d}, strategy: {matrix: {l: {v: u}}}, steps: [{template: x.yml}]}]}]\n")
}
