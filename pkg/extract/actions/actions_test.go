package actions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/actions"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const workflow = ".github/workflows/ci.yml"

func TestWhatWorkflowsRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, actions.Extractor{}, workflow, []casetest.Case{
		{Name: "container_as_text", Files: "jobs:\n  a:\n    container: alpine:3.18\n", Want: "3:16 alpine:3.18 {alpine:3.18}"},
		{Name: "container_as_mapping", Files: "jobs:\n  a:\n    container:\n      image: 'alpine:3.18' # intact:ignore REF001 why\n",
			Want: "4:15 alpine:3.18 {alpine:3.18} ignore REF001"},
		{Name: "container_with_scheme", Files: "jobs: {a: {container: docker://alpine:3}}\n", Want: "1:32 alpine:3 {alpine:3}"},
		{Name: "services", Files: "jobs:\n  a:\n    services:\n      db:\n        image: postgres:16\n      r: {image: \"redis\"}\n",
			Want: "5:16 postgres:16 {postgres:16}\n6:19 redis {redis}"},
		{Name: "bom_and_crlf", Files: "\ufeffjobs: {a: {container: b}}\r\n", Want: "1:23 b {b}"},
		{Name: "second_line_after_bom", Files: "\ufeffjobs:\r\n  a:\r\n    container: b\r\n", Want: "3:16 b {b}"},
		{Name: "escape", Files: "jobs: {a: {container: \"alpine\\x3a3\"}}\n", Want: "1:23 alpine:3"},
		{Name: "anchor", Files: "x: &i alpine:3\njobs:\n  a: {container: *i}\n  b: {container: *i}\n", Want: "1:7 alpine:3 {alpine:3}\n1:7 alpine:3 {alpine:3}"},
		{Name: "bad_reference", Files: "jobs: {a: {container: 'al pine'}}\n", Want: "1:24 al pine ?it contains white space"},
		{Name: "no_container", Files: "jobs: {a: {container: null, steps: [{run: docker pull x}]}, b: {container: ''}}\n"},
		{Name: "not_a_text", Files: "jobs: {a: {container: [x], services: {b: {image: {}}}}}\n",
			Want: "1:23 problem unsupported: an image is a text; this is none\n1:50 problem unsupported: an image is a text; this is none"},
		{Name: "no_jobs", Files: "on: push\n", Want: "1:1 problem unsupported: a workflow has jobs; there are none to read here"},
		{Name: "broken", Files: "jobs:\n  a: [\n", Want: "3:1 problem unsupported: not valid YAML: did not find expected node content"},
		{Name: "key_twice", Files: "jobs:\n  a:\n    container: b\n    container: c\n",
			Want: "4:16 c {c}\n4:5 problem unsupported: the key \"container\" is there twice, first in line 3; which of them counts is up to the reader"},
	})
}

func TestWhatIsUsed(t *testing.T) {
	t.Parallel()
	const sha = "8f4b7f84864484a7bf31766abe9204da3cbe65b3"
	casetest.Run(t, actions.Extractor{}, workflow, []casetest.Case{
		{Name: "tag", Files: "jobs: {a: {steps: [{uses: actions/checkout@v4}]}}\n", Want: "1:27 actions/checkout@v4 action floating {#v4}"},
		{Name: "full_version_is_a_tag", Files: "jobs: {a: {steps: [{uses: a/b/c@v4.1.2}]}}\n", Want: "1:27 a/b/c@v4.1.2 action floating {#v4.1.2}"},
		{Name: "commit", Files: "jobs: {a: {steps: [{uses: 'a/b@" + sha + "'}]}} # v4\n", Want: "1:28 a/b@" + sha + " action fixed {#" + sha + "}"},
		{Name: "short_commit", Files: "jobs: {a: {steps: [{uses: a/b@8f4b7f8}]}}\n", Want: "1:27 a/b@8f4b7f8 action floating {#8f4b7f8}"},
		{Name: "sha256_commit", Files: "jobs: {a: {steps: [{uses: a/b@" + sha + sha[:24] + "}]}}\n",
			Want: "1:27 a/b@" + sha + sha[:24] + " action fixed {#" + sha + sha[:24] + "}"},
		{Name: "reusable_workflow", Files: "jobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@main # intact:ignore REF007 ours\n",
			Want: "3:11 o/r/.github/workflows/x.yml@main action floating {#main} ignore REF007"},
		{Name: "image", Files: "jobs: {a: {steps: [{uses: 'docker://alpine:3'}]}}\n", Want: "1:37 alpine:3 {alpine:3}"},
		{Name: "address", Files: "jobs: {a: {steps: [{uses: 'https://code.forgejo.org/actions/checkout@v4'}]}}\n",
			Want: "1:28 https://code.forgejo.org/actions/checkout@v4 action floating {#v4}"},
		{Name: "no_revision", Files: "jobs: {a: {steps: [{uses: a/b}]}}\n", Want: "1:27 a/b action ?\"a/b\" names no revision of an action"},
		{Name: "expression", Files: "jobs: {a: {steps: [{uses: 'a/b@${{ x }}'}]}}\n",
			Want: "1:28 a/b@${{ x }} action ?an action is named by a text alone, without expressions"},
		{Name: "local", Files: "-- .github/workflows/ci.yml --\njobs: {a: {steps: [{uses: ./x}, {uses: ./y}, {uses: ./z}]}, b: {uses: ./.github/workflows/ci.yml}}\n" +
			"-- x/action.yml --\n-- y/Dockerfile --\n", Want: "1:53 ./z action ?the local action \"./z\" is not here"},
		{Name: "local_in_a_folder", Files: "-- .github/workflows/ci.yml --\njobs:\n  a:\n    steps:\n    - {uses: actions/checkout@v4, with: {path: src/r}}\n    - {uses: actions/checkout@v4, with: {path: o, repository: o/o}}\n" +
			"    - uses: ./src/r/x\n    - uses: $/x\n    - uses: ./o/x\n-- x/action.yml --\n",
			Want: "4:14 actions/checkout@v4 action floating {#v4}\n5:14 actions/checkout@v4 action floating {#v4}\n8:13 ./o/x action ?the local action \"./o/x\" is not here"},
		{Name: "local_in_a_nested_tree", Files: "-- app/.gitea/workflows/ci.yaml --\njobs: {a: {steps: [{uses: ./x}]}}\n-- app/x/action.yaml --\n"},
	})
}

func TestInputsOfCalledWorkflows(t *testing.T) {
	t.Parallel()
	const called = "-- .github/workflows/x.yml --\non: {workflow_call: {inputs: {i: {}, t: {default: '1'}}}}\n" +
		"jobs: {a: {container: '${{ inputs.i }}:${{ inputs.t }}', services: {b: {image: b:1}}}}\n"
	casetest.Run(t, actions.Extractor{}, workflow, []casetest.Case{
		{Name: "given", Files: "-- .github/workflows/ci.yml --\njobs:\n  a:\n    uses: ./.github/workflows/x.yml\n    with: {i: alpine, t: '3'}\n" + called,
			Want: ".github/workflows/x.yml:2:24 alpine:3 {:3}"},
		{Name: "matrix", Files: "-- .github/workflows/ci.yml --\njobs: {a: {uses: ./.github/workflows/x.yml, strategy: {matrix: {v: [a, b]}}, with: {i: '${{ matrix.v }}'}}}\n" + called,
			Want: ".github/workflows/x.yml:2:24 a:1\n.github/workflows/x.yml:2:24 b:1"},
		{Name: "through_another", Files: "-- .github/workflows/ci.yml --\njobs: {a: {uses: ./.github/workflows/y.yml, with: {j: 'a'}}}\n" +
			"-- .github/workflows/y.yml --\non: {workflow_call: {inputs: {j: {}}}}\njobs: {c: {uses: ./.github/workflows/x.yml, with: {i: '${{ inputs.j }}', t: '2'}}}\n" + called,
			Want: ".github/workflows/x.yml:2:24 a:2 {.github/workflows/y.yml :2}"},
		{Name: "calls_itself", Files: "jobs: {a: {uses: ./.github/workflows/ci.yml, with: {i: x}}, b: {uses: ./.github/workflows/ci.yml, with: {i: x}}}\n",
			Want: "1:18 problem unsupported: the workflow \".github/workflows/ci.yml\" calls itself\n1:71 problem unsupported: the workflow \".github/workflows/ci.yml\" calls itself"},
		{Name: "of_another_repository", Files: "jobs: {a: {uses: o/r/.github/workflows/x.yml@v1, with: {i: x}}}\n", Want: "1:18 o/r/.github/workflows/x.yml@v1 action floating {#v1}"},
	})
}

func TestMetadataOfActions(t *testing.T) {
	t.Parallel()
	casetest.Run(t, actions.Extractor{}, "x/action.yml", []casetest.Case{
		{Name: "image", Files: "runs:\n  using: docker\n  image: docker://alpine:3\n", Want: "3:19 alpine:3 {alpine:3}"},
		{Name: "dockerfile", Files: "-- a/action.yml --\nruns: {using: docker, image: Dockerfile}\n-- a/Dockerfile --\n"},
		{Name: "dockerfile_missing", Files: "runs: {using: docker, image: ../Dockerfile}\n", Want: "1:30 ../Dockerfile ?\"../Dockerfile\" is neither a Dockerfile that is here nor docker:// and an image"},
		{Name: "composite", Files: "-- a/b/action.yml --\nruns:\n  using: composite\n  steps:\n  - uses: a/b@v1\n  - uses: ./c\n-- a/c/action.yml --\n",
			Want: "4:11 a/b@v1 action floating {#v1}"},
		{Name: "node", Files: "runs: {using: node20, main: index.js}\n"},
	})
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	job := func(matrix, image string) string {
		return "jobs:\n  a:\n    strategy:\n      matrix:\n" + matrix + "    container: " + image + "\n"
	}
	casetest.Run(t, actions.Extractor{}, workflow, []casetest.Case{
		{Name: "matrix", Files: job("        i: ['alpine:3', debian:12]\n", "${{ matrix.i }}"), Want: "5:14 alpine:3 {alpine:3}\n5:25 debian:12 {debian:12}"},
		{Name: "matrix_tag", Files: job("        v: [18, '20']\n", "node:${{ matrix.v }}"), Want: "6:16 node:18 {:18}\n6:16 node:20 {:20}"},
		{Name: "matrix_tag_used_elsewhere", Files: job("        v: [18]\n", "node:${{ matrix.v }}\n    steps: [{run: 'echo ${{ matrix.v }}'}]"), Want: "6:16 node:18"},
		{Name: "number_printed_another_way", Files: job("        v: [3.10]\n", "python:${{ matrix.v }}"), Want: "6:16 python:3.1"},
		{Name: "matrix_of_objects", Files: job("        c:\n        - {image: a}\n        - image: b\n", "${{ matrix.c['image'] }}"), Want: "6:19 a {a}\n7:18 b {b}"},
		{Name: "matrix_of_containers", Files: job("        c: [{image: a:1}, {image: b:1, options: x}]\n", "${{ matrix.c }}"), Want: "5:21 a:1 {a:1}\n5:35 b:1 {b:1}"},
		{Name: "container_that_names_itself", Files: job("        c: [{image: '${{ matrix.c }}'}]\n", "${{ matrix.c }}"), Want: "5:22 ${{ matrix.c }} ?matrix.c is no text"},
		{Name: "include_alone", Files: job("        include:\n        - {image: a}\n        - image: b\n", "{image: '${{ matrix.image }}'}"), Want: "6:19 a {a}\n7:18 b {b}"},
		{Name: "include_and_exclude", Files: job("        n: [a, b]\n        v: [1, 2]\n        exclude: [{n: b, v: 2}]\n        include: [{n: a, v: 2, s: -x}, {n: c, v: 3}]\n",
			"${{ matrix.n }}:${{ matrix.v }}${{ matrix.s }}"), Want: "9:16 a:1\n9:16 a:2-x\n9:16 b:1\n9:16 c:3 {:3}"},
		{Name: "dynamic_axis", Files: job("        i: ${{ fromJSON(needs.x.outputs.y) }}\n", "${{ matrix.i }}"),
			Want: "6:16 ${{ matrix.i }} ?the values of matrix.i are what \"${{ fromJSON(needs.x.outputs.y) }}\" says, which is not evaluated"},
		{Name: "dynamic_matrix", Files: "jobs: {a: {strategy: {matrix: '${{ fromJSON(x) }}'}, container: 'a:${{ matrix.i }}'}}\n",
			Want: "1:66 a:${{ matrix.i }} ?the matrix is what \"${{ fromJSON(x) }}\" says, which is not evaluated"},
		{Name: "env", Files: "env: {TAG: '3.18'}\njobs: {a: {env: {N: 'alpine:${{ env.TAG }}'}, container: '${{ env.N }}'}}\n", Want: "2:59 alpine:3.18 {:3.18}"},
		{Name: "env_alone", Files: "env: {TAG: '3.18'}\njobs: {a: {container: 'alpine:${{ env.TAG }}'}}\n", Want: "2:24 alpine:3.18 {:3.18}"},
		{Name: "env_in_a_script", Files: "env: {TAG: '3.18'}\njobs: {a: {container: 'alpine:${{ env.TAG }}', steps: [{run: echo $TAG}]}}\n", Want: "2:24 alpine:3.18"},
		{Name: "env_unset", Files: "jobs: {a: {container: '${{ env.N }}'}}\n", Want: "1:24 ${{ env.N }} ?env.n is not set in the file"},
		{Name: "env_cycle", Files: "env: {A: '${{ env.B }}', B: '${{ env.A }}'}\njobs: {a: {container: '${{ env.A }}'}}\n",
			Want: "2:24 ${{ env.A }} ?its expressions name each other, or too many others"},
		{Name: "known_at_run_time", Files: "jobs: {a: {container: 'ghcr.io/${{ github.repository }}:1'}}\n",
			Want: "1:24 ghcr.io/${{ github.repository }}:1 ?github.repository is known only when the workflow runs"},
		{Name: "input_default", Files: "on: {workflow_call: {inputs: {image: {default: a:1}, x: {type: string}}}}\njobs: {a: {container: '${{ inputs.image }}'}, b: {container: '${{ inputs.x }}'}}\n",
			Want: "1:48 a:1 {a:1}\n2:63 ${{ inputs.x }} ?the input \"x\" has no default"},
		{Name: "or", Files: "jobs: {a: {container: \"${{ vars.IMAGE || 'alpine:3' }}\"}}\n",
			Want: "1:24 ${{ vars.IMAGE || 'alpine:3' }} ?vars.image is known only when the workflow runs\n1:43 alpine:3 {alpine:3}"},
		{Name: "condition", Files: "jobs: {a: {container: \"${{ github.ref == 'x' && 'a:1' || 'b:1' }}\"}}\n", Want: "1:50 a:1 {a:1}\n1:59 b:1 {b:1}"},
		{Name: "known_condition", Files: job("        v: [1, 2]\n", "${{ matrix.v == 1 && 'a' || !matrix.v && 'c' || 'b' }}"), Want: "6:38 a {a}\n6:65 b {b}"},
		{Name: "function", Files: "jobs: {a: {container: \"${{ format('a:{0}', 1) }}\"}}\n",
			Want: "1:24 ${{ format('a:{0}', 1) }} ?what the function format returns is not evaluated"},
		{Name: "not_valid", Files: "jobs: {a: {container: 'a:${{ b'}}\n",
			Want: "1:24 a:${{ b ?its expression is not valid: unexpected EOF while lexing expression"},
		{Name: "no_container_in_some", Files: job("        i: ['', a]\n", "${{ matrix.i }}"), Want: "5:17 a {a}"},
		{Name: "services_from_an_expression", Files: "jobs: {a: {services: '${{ x }}'}}\n",
			Want: "1:23 problem unsupported: the services are what \"${{ x }}\" says, which is not evaluated"},
	})
}

// Values that name each other many times are not followed to the end.
func TestExpressionsThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("env:\n")
	for i := range 7 {
		fmt.Fprintf(&b, "  V%d: '%s'\n", i, strings.Repeat(fmt.Sprintf("${{ env.V%d }}", i+1), 20))
	}
	b.WriteString("  V7: ''\njobs:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  j%d: {container: '${{ env.V0 }}'}\n", i)
	}
	fsys, first := casetest.Files(workflow, b.String())
	r, err := actions.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Found) != 300 {
		t.Fatalf("%d found: %v %+v %+v", len(r.Found), err, r.Found[0].Unresolved, r.Problems)
	}
	for _, f := range r.Found {
		if f.Unresolved == "" {
			t.Fatalf("%+v", f)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		".github/workflows/a.yml": true, "x/.forgejo/workflows/a.yaml": true, ".github/workflows/d/a.yml": false, ".github/dependabot.yml": false,
		"action.yml": true, "a/action.yaml": true, "transaction.yml": false,
	} {
		if got := (actions.Extractor{}).Match(p, []byte("runs: {}")); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	if (actions.Extractor{}).Match("tasks/action.yml", []byte("- name: x")) {
		t.Error("a list of tasks is taken for an action")
	}
}

func FuzzWorkflow(f *testing.F) {
	casetest.Fuzz(f, actions.Extractor{}, workflow,
		"on: {workflow_call: {inputs: {i: {default: a}}}}\nenv: {E: '${{ inputs.i }}'}\njobs:\n  a:\n    strategy: {matrix: {v: [1, 2], include: [{v: 3}], exclude: [{v: 1}]}}\n"+
			"    container: \"${{ matrix.v == 1 && 'x' || env.E }}:${{ matrix.v }}\"\n    services: {d: {image: b}}\n    steps: [{uses: 'docker://c'}, {uses: a/b@v1}]\n")
}

func FuzzMetadata(f *testing.F) {
	casetest.Fuzz(f, actions.Extractor{}, "action.yml", "inputs: {i: {default: a}}\nruns: {image: 'docker://${{ inputs.i }}', steps: [{uses: ./x}]}\n")
}
