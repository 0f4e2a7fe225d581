package puppet_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/puppet"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: puppet.Extractor{},
		Path:      "init.pp",
		Files: map[string]string{
			"init.pp": "docker::run { 'x':\n  image => 'a:1',\n}\ndocker::image { 'b': image_tag => '1' }\npackage { 'y': }\n",
		},
	})
}
