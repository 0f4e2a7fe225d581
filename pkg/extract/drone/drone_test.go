package drone_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/drone"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const (
	pipeline   = ".drone.yml"
	woodpecker = ".woodpecker/build.yaml"
)

func TestWhatPipelinesRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, drone.Extractor{}, pipeline, []casetest.Case{
		{Name: "steps_and_services", Files: "kind: pipeline\nsteps:\n- name: a\n  image: golang:1.22 # intact:ignore REF001 x\nservices: [{name: db, image: 'postgres:16'}]\n---\nkind: pipeline\nsteps: [{image: b:1}]\n---\nkind: secret\n",
			Want: "4:10 golang:1.22 {golang:1.22} ignore REF001\n5:31 postgres:16 {postgres:16}\n8:17 b:1 {b:1}"},
		{Name: "variable", Files: "steps: [{image: 'a:${DRONE_TAG}'}]\n", Want: "1:18 a:${DRONE_TAG} ?its variables are known only when the pipeline runs"},
		{Name: "wrong_type", Files: "steps: [{image: [a]}]\n", Want: "1:17 problem unsupported: an image is a text; this is none"},
	})
}

func TestWhatWoodpeckerRuns(t *testing.T) {
	t.Parallel()
	casetest.Run(t, drone.Extractor{}, woodpecker, []casetest.Case{
		{Name: "mappings", Files: "steps:\n  a: {image: a:1}\nservices:\n  b: {image: b:1}\nclone: {git: {image: c:1}}\n", Want: "2:14 a:1 {a:1}\n4:14 b:1 {b:1}\n5:22 c:1 {c:1}"},
		{Name: "old_name", Files: "pipeline: {a: {image: a:1}}\n", Want: "1:23 a:1 {a:1}"},
		{Name: "matrix", Files: "matrix: {V: ['1', '2'], W: [x, y]}\nsteps: [{image: 'a:${V}'}]\n", Want: "2:18 a:1 {:1}\n2:18 a:2 {:2}"},
		{Name: "matrix_of_combinations", Files: "matrix: {include: [{I: a, V: '1'}, {I: b, V: '2'}]}\nsteps: [{image: $I:$V}]\n", Want: "2:17 a:1 {:1}\n2:17 b:2 {:2}"},
		{Name: "matrix_used_elsewhere", Files: "matrix: {V: ['1']}\nsteps: [{image: 'a:${V}', commands: ['echo $V']}]\n", Want: "2:18 a:1"},
		{Name: "unknown", Files: "steps: [{image: 'a:${CI_COMMIT_TAG}'}]\n", Want: "1:18 a:${CI_COMMIT_TAG} ?what \"${CI_COMMIT_TAG}\" is, is known only when the pipeline runs"},
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: drone.Extractor{}, Path: ".woodpecker.yml",
		Files: map[string]string{".woodpecker.yml": "matrix:\n  V: ['1', '2']\nsteps:\n- name: a\n  image: a:1\n- {name: b, image: 'b:${V}'}\n"},
	})
}

func FuzzPipeline(f *testing.F) {
	casetest.Fuzz(f, drone.Extractor{}, ".woodpecker.yml", "matrix: {V: [1, 2], include: [{V: 3}]}\nsteps: [{image: 'a:${V}$W'}]\nservices: {b: {image: b}}\n", "matrix: {A: [1, 2], B: [1, 2]}\nclone: {a: {image: '$A:${B}'}}\n")
}
