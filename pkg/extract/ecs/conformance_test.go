package ecs_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/ecs"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: ecs.Extractor{}, Path: "task-definition.json", Files: map[string]string{
		"task-definition.json": `{"family": "f", "containerDefinitions": [
  {"name": "a", "image": "ghcr.io/acme/a:1.0", "user": "1"},
  {"name": "b", "image": "<IMAGE>"}
]}
`,
	}})
}
