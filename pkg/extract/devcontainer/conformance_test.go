package devcontainer_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/devcontainer"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: devcontainer.Extractor{}, Path: "devcontainer.json",
		Files: map[string]string{
			"devcontainer.json": "{\n  // why\n  \"image\": \"debian:12\", /* x */\n  \"build\": {\"dockerfile\": \"Dockerfile\", \"args\": {\"V\": \"${localEnv:V:3.18}\"}},\n  \"features\": {\"ghcr.io/devcontainers/features/go:1\": {},},\n}\n",
			"Dockerfile":        "ARG V\nFROM alpine:$V\nFROM busybox:1\n",
		},
	})
}
