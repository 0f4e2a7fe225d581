package cloudbuild_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/cloudbuild"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: cloudbuild.Extractor{},
		Path:      "cloudbuild.yaml",
		Files: map[string]string{
			"cloudbuild.yaml": "steps:\n- name: a:1\n  args: [x]\n- {name: \"b:$_T\"}\nsubstitutions:\n  _T: \"1\"\n",
		},
	})
}
