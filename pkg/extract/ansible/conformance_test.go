package ansible_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/ansible"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: ansible.Extractor{},
		Path:      "site.yml",
		Files: map[string]string{
			"site.yml":                  "- hosts: web\n  vars: {t: \"1\"}\n  roles: [r]\n  tasks:\n  - docker_container: {name: x, image: a:1}\n  - apt: {name: x}\n",
			"roles/r/tasks/main.yml":    "- docker_container: {image: \"b:{{ t }}\"}\n",
			"roles/r/defaults/main.yml": "t: \"0\"\n",
		},
	})
}
