package circleci_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/circleci"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const config = ".circleci/config.yml"

func TestWhatJobsRunOn(t *testing.T) {
	t.Parallel()
	casetest.Run(t, circleci.Extractor{}, config, []casetest.Case{
		{Name: "docker", Files: "jobs:\n  a:\n    docker:\n    - image: cimg/go:1.22 # intact:ignore REF001 x\n    - {image: 'postgres:16'}\n",
			Want: "4:14 cimg/go:1.22 {cimg/go:1.22} ignore REF001\n5:16 postgres:16 {postgres:16}"},
		{Name: "executor", Files: "executors: {e: {docker: [{image: a:1}]}, unused: {docker: [{image: b:1}]}}\njobs: {x: {executor: e}, y: {executor: {name: e}}}\n",
			Want: "1:34 a:1 {a:1}\n1:68 b:1 {b:1}"},
		{Name: "executor_missing", Files: "jobs: {x: {executor: e}}\n", Want: "1:22 problem unsupported: there is no executor \"e\" here"},
		{Name: "machine", Files: "jobs:\n  a: {machine: {image: 'ubuntu-2204:current'}}\n  b: {machine: {image: 'ubuntu-2204:2024.01.2'}}\n  c: {machine: true}\n  d: {machine: default}\n  e: {machine: false}\n  f: {machine: {image: 'ubuntu-2004:202101-01'}}\n",
			Want: "2:25 ubuntu-2204:current machine-image floating\n3:25 ubuntu-2204:2024.01.2 machine-image fixed\n4:16 true machine-image floating\n5:16 default machine-image floating\n7:25 ubuntu-2004:202101-01 machine-image fixed"},
		{Name: "orbs", Files: "orbs: {node: circleci/node@volatile}\njobs: {x: {executor: node/default}}\nworkflows: {w: {jobs: [x, node/test, {node/run: {v: 1}}]}}\n",
			Want: "2:22 node/default ?the executor \"node/default\" is an orb's, which is not here\n3:27 node/test ?the job \"node/test\" is an orb's, which is not here\n3:39 node/run ?the job \"node/run\" is an orb's, which is not here"},
		{Name: "inline_orb", Files: "orbs: {o: {jobs: {j: {parameters: {t: {type: string}}, docker: [{image: 'a:<< parameters.t >>'}]}}}}\nworkflows: {w: {jobs: [{o/j: {t: '2'}}]}}\n",
			Want: "1:74 a:2 {:2}"},
		{Name: "wrong_types", Files: "jobs: {a: {docker: {image: x}}, b: {docker: [{image: []}]}}\n",
			Want: "1:20 problem unsupported: docker is a list of images; this is none\n1:54 problem unsupported: an image is a text; this is none"},
		{Name: "docker_in_a_step", Files: "jobs: {a: {steps: [{run: docker run x}]}}\n"},
	})
}

func TestParameters(t *testing.T) {
	t.Parallel()
	casetest.Run(t, circleci.Extractor{}, config, []casetest.Case{
		{Name: "default", Files: "jobs: {x: {parameters: {t: {default: '1'}}, docker: [{image: 'a:<< parameters.t >>'}]}}\n", Want: "1:63 a:1 {:1}"},
		{Name: "no_default", Files: "jobs: {x: {parameters: {t: {type: string}}, docker: [{image: 'a:<<parameters.t>>'}]}}\n",
			Want: "1:63 a:<<parameters.t>> ?the parameter \"parameters.t\" has no default"},
		{Name: "given", Files: "jobs: {x: {parameters: {t: {default: '1'}}, docker: [{image: 'a:<< parameters.t >>'}]}}\nworkflows: {w: {jobs: [{x: {t: '2'}}, {x: {t: '3'}}, x]}}\n",
			Want: "1:63 a:2 {:2}\n1:63 a:3 {:3}\n1:63 a:1 {:1}"},
		{Name: "matrix", Files: "jobs: {x: {docker: [{image: '<< parameters.i >>:<< parameters.t >>'}]}}\nworkflows: {w: {jobs: [{x: {i: a, matrix: {parameters: {t: ['2', '3']}}}}]}}\n",
			Want: "1:30 a:2 {:2}\n1:30 a:3 {:3}"},
		{Name: "whole_value", Files: "jobs: {x: {docker: [{image: << parameters.i >>}]}}\nworkflows: {w: {jobs: [{x: {i: a:1}}]}}\n", Want: "2:32 a:1 {a:1}"},
		{Name: "executor_with_parameters", Files: "executors: {e: {parameters: {t: {default: '1'}}, docker: [{image: 'a:<< parameters.t >>'}]}}\n" +
			"jobs: {x: {parameters: {v: {default: '2'}}, executor: {name: e, t: << parameters.v >>}}, y: {executor: e}}\n", Want: "1:68 a:2 {:2}\n1:68 a:1 {:1}"},
		{Name: "executor_that_needs_a_parameter", Files: "executors: {e: {parameters: {t: {type: string}}, docker: [{image: 'a:<< parameters.t >>'}]}}\njobs: {x: {executor: {name: e, t: '2'}}}\n",
			Want: "1:68 a:2 {:2}"},
		{Name: "executor_by_parameter", Files: "executors: {e: {docker: [{image: a:1}]}}\njobs: {x: {parameters: {e: {type: executor}}, executor: << parameters.e >>}}\nworkflows: {w: {jobs: [{x: {e: e}}]}}\n",
			Want: "1:34 a:1 {a:1}"},
		{Name: "pipeline", Files: "parameters: {t: {default: '1'}}\njobs: {x: {docker: [{image: 'a:<< pipeline.parameters.t >>'}, {image: 'b:<< pipeline.number >>'}]}}\n",
			Want: "2:30 a:1 {:1}\n2:72 b:<< pipeline.number >> ?what \"pipeline.number\" is, is known only when the pipeline runs"},
		{Name: "pipeline_used_in_a_step", Files: "parameters: {t: {default: '1'}}\njobs: {x: {docker: [{image: 'a:<< pipeline.parameters.t >>'}], steps: [{run: 'echo << pipeline.parameters.t >>'}]}}\n", Want: "2:30 a:1"},
		{Name: "cycle", Files: "parameters: {t: {default: << pipeline.parameters.t >>}}\njobs: {x: {docker: [{image: << pipeline.parameters.t >>}]}}\n",
			Want: "2:29 << pipeline.parameters.t >> ?its parameters name each other, or too many others"},
	})
}

// Parameters that name each other many times are not followed to the end.
func TestParametersThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("parameters:\n")
	for i := range 7 {
		fmt.Fprintf(&b, "  p%d: {default: '%s'}\n", i, strings.Repeat(fmt.Sprintf("<< pipeline.parameters.p%d >>", i+1), 20))
	}
	b.WriteString("  p7: {default: ''}\njobs: {x: {docker: [{image: << pipeline.parameters.p0 >>}]}}\n")
	fsys, first := casetest.Files(config, b.String())
	r, err := circleci.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Found) != 1 || r.Found[0].Unresolved == "" {
		t.Errorf("%+v: %v", r, err)
	}
}

func FuzzConfig(f *testing.F) {
	casetest.Fuzz(f, circleci.Extractor{}, config,
		"parameters: {t: {default: '1'}}\norbs: {o: {jobs: {j: {machine: true}}}}\nexecutors: {e: {parameters: {t: {default: a}}, docker: [{image: 'a:<< parameters.t >>'}]}}\n"+
			"jobs: {x: {executor: {name: e, t: << pipeline.parameters.t >>}, machine: {image: 'u:current'}}}\nworkflows: {w: {jobs: [o/j, {x: {t: 1, matrix: {parameters: {t: [1, 2]}}}}]}}\n")
}
