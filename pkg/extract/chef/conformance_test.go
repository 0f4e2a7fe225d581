package chef_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/chef"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: chef.Extractor{},
		Path:      "recipes/default.rb",
		Files: map[string]string{
			"recipes/default.rb": "docker_image 'a:1'\ndocker_container 'x' do\n  repo 'b'\n  tag '1'\nend\npackage 'y'\n",
		},
	})
}
