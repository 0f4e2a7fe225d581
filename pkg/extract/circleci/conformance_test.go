package circleci_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/circleci"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: circleci.Extractor{},
		Path:      ".circleci/config.yml",
		Files: map[string]string{
			".circleci/config.yml": "executors:\n  e: {parameters: {t: {default: \"1\"}}, docker: [{image: \"a:<< parameters.t >>\"}]}\njobs:\n  x:\n    docker:\n    - image: b:1\n  y: {executor: e}\n  z: {machine: {image: ubuntu-2204:current}}\n",
		},
	})
}
