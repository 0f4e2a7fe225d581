package azurepipelines_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/azurepipelines"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: azurepipelines.Extractor{},
		Path:      "azure-pipelines.yml",
		Files: map[string]string{
			"azure-pipelines.yml": "pool: {vmImage: ubuntu-latest}\nresources:\n  containers:\n  - container: b\n    image: a:1\njobs:\n- template: ci/j.yml\n  parameters: {i: b:1}\n- job: x\n  container: b\n",
			"ci/j.yml":            "parameters: {i: ''}\njobs: [{job: y, container: \"${{ parameters.i }}\"}]\n",
		},
	})
}
