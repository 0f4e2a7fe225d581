package gitlab_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/gitlab"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: gitlab.Extractor{},
		Path:      ".gitlab-ci.yml",
		Files: map[string]string{
			".gitlab-ci.yml": "include: [ci/a.yml]\nvariables: {T: \"1\"}\ndefault: {image: a:1}\nx:\n  extends: .b\n  services:\n  - name: c:1\n",
			"ci/a.yml":       ".b: {image: \"b:$T\"}\n",
		},
	})
}
