package dockerfile_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: dockerfile.Extractor{}, Path: "Dockerfile",
		Files: map[string]string{"Dockerfile": "# syntax=docker/dockerfile:1.7\nARG V=3.18\nFROM alpine:${V} AS a\n# intact:ignore REF001 why\nFROM \\\n  --platform=linux/arm64 debian:12 AS b\nCOPY --from=busybox:1 a b\nRUN --mount=from=golang:1.22 <<EOF\nFROM no\nEOF\n"},
	})
}
