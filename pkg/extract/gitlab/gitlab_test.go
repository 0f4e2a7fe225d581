package gitlab_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/gitlab"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const pipeline = ".gitlab-ci.yml"

func TestWhatJobsRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, gitlab.Extractor{}, pipeline, []casetest.Case{
		{Name: "text", Files: "a:\n  image: alpine:3 # intact:ignore REF001 x\n", Want: "2:10 alpine:3 {alpine:3} ignore REF001"},
		{Name: "name", Files: "a:\n  image:\n    name: 'alpine:3'\n    entrypoint: ['']\n    docker: {platform: linux/arm64/v8}\n",
			Want: "3:12 alpine:3 on linux/arm64/v8 {alpine:3}"},
		{Name: "services", Files: "a:\n  services:\n  - postgres:16\n  - name: redis:7\n    alias: r\n", Want: "3:5 postgres:16 {postgres:16}\n4:11 redis:7 {redis:7}"},
		{Name: "default", Files: "default:\n  image: a:1\n  services: [b:1]\nx: {script: y}\n", Want: "2:10 a:1 {a:1}\n3:14 b:1 {b:1}"},
		{Name: "global", Files: "image: a:1\nservices: [b:1]\nx: {script: y}\nz: {image: c:1}\n", Want: "1:8 a:1 {a:1}\n2:12 b:1 {b:1}\n4:12 c:1 {c:1}"},
		{Name: "default_that_no_job_has", Files: "default: {image: a:1}\nx: {image: b:1}\n", Want: "2:12 b:1 {b:1}\n1:18 a:1 {a:1}"},
		{Name: "not_inherited", Files: "variables: {V: '1'}\ndefault: {image: 'a:$V'}\nx: {inherit: {default: [services]}, variables: {V: '2'}}\n", Want: "2:19 a:1 {:1}"},
		{Name: "null", Files: "default: {image: 'a:$V'}\nx: {image: null}\n", Want: "1:19 a:$V ?the variable $V is not set in the files"},
		{Name: "not_a_text", Files: "a: {image: [x], services: y}\n",
			Want: "1:12 problem unsupported: an image is a text; this is none\n1:27 problem unsupported: services are a list; this is none"},
		{Name: "script", Files: "a: {script: [docker run alpine]}\n"},
		{Name: "anchors", Files: ".b: &b {image: a:1}\nx: {<<: *b}\n", Want: "1:16 a:1 {a:1}"},
		{Name: "broken", Files: "a: {image: b}\n  c: [\n", Want: "2:1 problem unsupported: not valid YAML: did not find expected key"},
	})
}

func TestExtends(t *testing.T) {
	t.Parallel()
	casetest.Run(t, gitlab.Extractor{}, pipeline, []casetest.Case{
		{Name: "one", Files: ".b: {image: a:1}\nx: {extends: .b}\n", Want: "1:13 a:1 {a:1}"},
		{Name: "several", Files: ".b: {image: a:1}\n.c: {image: b:1}\nx: {extends: [.b, .c]}\n", Want: "2:13 b:1 {b:1}\n1:13 a:1 {a:1}"},
		{Name: "deep_merge", Files: ".b: {image: {name: 'a:$V'}, variables: {V: '1', W: '2'}}\nx: {extends: .b, image: {entrypoint: ['']}, variables: {V: $W}}\n",
			Want: "1:21 a:2 {:2}"},
		{Name: "cycle", Files: "x: {extends: y, image: a:1}\ny: {extends: x}\n",
			Want: "1:24 a:1 {a:1}\n1:4 problem unsupported: the job \"x\" extends itself\n2:4 problem unsupported: the job \"y\" extends itself"},
		{Name: "missing", Files: "x: {extends: .b}\n", Want: "1:14 problem unsupported: the job \"x\" extends \".b\", which is not here"},
		{Name: "reference", Files: ".b: {image: a:1, services: [b:1, c:1]}\nx:\n  image: !reference [.b, image]\n  services:\n  - !reference [.b, services]\n  - d:1\n",
			Want: "1:13 a:1 {a:1}\n1:29 b:1 {b:1}\n1:34 c:1 {c:1}\n6:5 d:1 {d:1}"},
		{Name: "reference_to_itself", Files: ".b:\n  image: !reference [.b, image]\n",
			Want: "2:10 problem unsupported: the reference leads nowhere: it needs a job and a key, and not itself"},
		{Name: "reference_to_nothing", Files: "x:\n  image: !reference [.b, image]\n", Want: "2:10 problem unsupported: the reference to .b.image leads nowhere"},
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	casetest.Run(t, gitlab.Extractor{}, pipeline, []casetest.Case{
		{Name: "global", Files: "variables:\n  IMAGE: a:1\nx:\n  image: $IMAGE\n", Want: "2:10 a:1 {a:1}"},
		{Name: "braces_and_options", Files: "variables: {T: {value: '1', description: d}}\nx: {image: 'a:${T}'}\n", Want: "2:13 a:1 {:1}"},
		{Name: "job_first", Files: "variables: {T: '1'}\nx: {image: 'a:$T', variables: {T: '2'}}\n", Want: "2:13 a:2 {:2}"},
		{Name: "nested", Files: "variables: {T: '1', I: 'a:$T'}\nx: {image: $I}\n", Want: "2:12 a:1 {:1}"},
		{Name: "used_in_a_script", Files: "variables: {T: '1'}\nx: {image: 'a:$T', script: 'echo $T'}\n", Want: "2:13 a:1"},
		{Name: "whole_image_used_in_a_script", Files: "variables: {T: 'a:1'}\nx: {image: '$T', script: 'echo $T'}\n", Want: "1:17 a:1 {a:1}"},
		{Name: "cycle", Files: "variables: {T: $U, U: $T}\nx: {image: 'a:$T'}\n", Want: "2:13 a:$T ?the variable $T names itself, or too many others"},
		{Name: "predefined", Files: "x: {image: $CI_REGISTRY_IMAGE/a:1}\n", Want: "1:12 $CI_REGISTRY_IMAGE/a:1 ?GitLab sets $CI_REGISTRY_IMAGE when the pipeline runs"},
		{Name: "unset", Files: "x: {image: 'a:$T'}\n", Want: "1:13 a:$T ?the variable $T is not set in the files"},
		{Name: "not_expanded", Files: "variables: {T: {value: '1$x', expand: false}}\nx: {image: 'a:${T}'}\n", Want: "2:13 a:1$x ?invalid reference format"},
		{Name: "rules", Files: "x:\n  image: $I\n  variables: {I: a:1}\n  rules:\n  - {if: y, variables: {I: b:1}}\n", Want: "3:18 a:1 {a:1}\n5:28 b:1 {b:1}"},
		{Name: "matrix", Files: "x:\n  image: $I:$T\n  parallel:\n    matrix:\n    - {I: [a, b], T: ['1', '2']}\n    - {I: c, T: '3'}\n",
			Want: "2:10 a:1\n2:10 a:2\n2:10 b:1\n2:10 b:2\n2:10 c:3 {:3}"},
		{Name: "hidden_job_with_variables_of_others", Files: ".b: {image: 'a:$T'}\nx: {extends: .b, variables: {T: '1'}}\ny: {extends: .b, variables: {T: '2'}}\n",
			Want: "1:14 a:1 {:1}\n1:14 a:2 {:2}"},
	})
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	casetest.Run(t, gitlab.Extractor{}, pipeline, []casetest.Case{
		{Name: "local", Files: "-- .gitlab-ci.yml --\ninclude: /ci/a.yml\nx: {extends: .b}\nvariables: {T: '2'}\n-- ci/a.yml --\nvariables: {T: '1'}\n.b: {image: 'a:$T'}\n",
			Want: "ci/a.yml:2:14 a:2 {:2}"},
		{Name: "list_and_nested", Files: "-- p/.gitlab-ci.yml --\ninclude: [{local: ci/a.yml}, 'ci/b.yml']\n-- p/ci/a.yml --\ninclude: ci/c.yml\nx: {image: a:1}\n-- p/ci/b.yml --\nx: {image: b:1}\n-- p/ci/c.yml --\ny: {image: c:1}\n",
			Want: "p/ci/b.yml:1:12 b:1 {p/ci/b.yml b:1}\np/ci/c.yml:1:12 c:1 {p/ci/c.yml c:1}"},
		{Name: "pattern", Files: "-- .gitlab-ci.yml --\ninclude: 'ci/**/*.yml'\n-- ci/a.yml --\nx: {image: a:1}\n-- ci/d/b.yml --\ny: {image: b:1}\n",
			Want: "ci/d/b.yml:1:12 b:1 {ci/d/b.yml b:1}\nci/a.yml:1:12 a:1 {ci/a.yml a:1}"},
		{Name: "cycle", Files: "-- .gitlab-ci.yml --\ninclude: a.yml\nx: {image: a:1}\n-- a.yml --\ninclude: .gitlab-ci.yml\n",
			Want: "2:12 a:1 {a:1}\na.yml:1:10 problem unsupported: the include \".gitlab-ci.yml\" includes itself"},
		{Name: "elsewhere", Files: "include:\n- remote: https://x/y.yml\n- template: T.yml\n- {project: p, file: f}\n- component: c/d@1\n- https://z\n- gone.yml\n- $V.yml\n- 'x*.yml'\n",
			Want: "9:4 x*.yml ?no file is named as the include \"x*.yml\" wants\n8:3 $V.yml ?which file the include \"$V.yml\" names is not evaluated\n" +
				"7:3 gone.yml ?the include \"gone.yml\" is not here\n6:3 https://z ?the include of remote \"https://z\" is not here\n5:14 c/d@1 ?the include of component \"c/d@1\" is not here\n" +
				"4:13 p ?the include of project \"p\" is not here\n3:13 T.yml ?the include of template \"T.yml\" is not here\n2:11 https://x/y.yml ?the include of remote \"https://x/y.yml\" is not here"},
		{Name: "inputs", Files: "-- .gitlab-ci.yml --\ninclude: [{local: a.yml, inputs: {t: '2'}}]\n-- a.yml --\nspec: {inputs: {t: {default: '1'}, i: {default: a}, n: {}}}\n---\nx: {image: '$[[ inputs.i ]]:$[[ inputs.t ]]'}\ny: {image: 'b:$[[ inputs.n ]]'}\n",
			Want: "a.yml:3:13 a:2 {:2}\na.yml:4:13 b:$[[ inputs.n ]] ?the input \"n\" has no value here"},
		{Name: "child_pipeline", Files: "-- .gitlab-ci.yml --\nx: {trigger: {include: c.yml}}\ny: {trigger: {include: [{artifact: g.yml, job: j}, {local: c.yml}]}}\n-- c.yml --\nz: {image: a:1}\n",
			Want: "2:36 g.yml ?the pipeline that artifact g.yml has is not here\nc.yml:1:12 a:1 {c.yml a:1}"},
		{Name: "nothing_in_it", Files: "include: [{}]\n", Want: "1:11 problem unsupported: an include names a file; this names none"},
	})
}

func TestWhatIncludesStandFor(t *testing.T) {
	t.Parallel()
	fsys, first := casetest.Files(pipeline, "-- .gitlab-ci.yml --\ninclude: [a.yml, gone.yml]\nx: {trigger: {include: b.yml}}\n-- a.yml --\n-- b.yml --\n")
	r, err := gitlab.Extractor{}.Extract(fsys, first)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Claims, r.Read); got != "[a.yml b.yml] [a.yml b.yml]" {
		t.Error(got)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		".gitlab-ci.yml": true, "a/.gitlab-ci.yaml": true, "build.gitlab-ci.yml": true, ".gitlab/ci/a.yml": true, ".gitlab-ci/x/a.yml": true,
		"gitlab-ci.yml": true, "mygitlab-ci.yml": false, ".gitlab/issue.yml": false, "templates/deployment.yaml": false,
	} {
		if got := (gitlab.Extractor{}).Match(p, nil); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	if !(gitlab.Extractor{}).Match("templates/x/template.yml", []byte("spec:\n---\na: $[[ inputs.x ]]")) {
		t.Error("a component is not matched")
	}
}

// Jobs and variables that grow with each other are read to the end, in part.
func TestPipelinesThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 11 {
		fmt.Fprintf(&b, ".j%d: {extends: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf(".j%d,", i+1), 20), ","))
	}
	b.WriteString(".j11: {image: $V00}\nx: {extends: .j0}\nvariables:\n")
	for i := range 8 {
		for j := range 20 {
			fmt.Fprintf(&b, "  V%d%d:\n", i, j)
			for k := range 20 {
				fmt.Fprintf(&b, "    $V%d%d\n", i+1, k)
			}
		}
	}
	fsys, first := casetest.Files(pipeline, b.String())
	r, err := gitlab.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Problems) == 0 {
		t.Fatalf("%+v: %v", r, err)
	}
}

func FuzzPipeline(f *testing.F) {
	casetest.Fuzz(f, gitlab.Extractor{}, pipeline,
		"include: [a.yml, {remote: 'https://x'}, 'x*']\nvariables: {T: {value: '1'}, I: 'a:$T$$'}\ndefault: {image: $I, services: [{name: b}]}\n"+
			".b: {image: {name: '$[[ inputs.x ]]'}}\nx: {extends: .b, rules: [{variables: {T: 2}}], parallel: {matrix: [{T: [3]}]}}\ny: {image: !reference [.b, image], trigger: {include: c.yml}}\n",
		"spec: {inputs: {x: {default: a}}}\n---\nx: {image: '$[[ inputs.x ]]:$T', variables: {T: $T}, inherit: {variables: false}}\n")
}
