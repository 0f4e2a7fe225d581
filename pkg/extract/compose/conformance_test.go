package compose_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: compose.Extractor{}, Path: "shop/compose.yaml",
		Files: map[string]string{
			"shop/compose.yaml":          "services:\n  a:\n    image: nginx:${TAG}\n    platform: linux/arm64\n  b:\n    image: me/b:1\n    build: {context: app, args: {BASE: \"debian:12\"}}\n  c: {extends: a, image: \"redis:${R:-7.2}\"}\n",
			"shop/compose.override.yaml": "services:\n  a:\n    read_only: true\n    volumes:\n      - {type: image, source: files:2, target: /x}\n",
			"shop/.env":                  "TAG=1.25\n",
			"shop/app/Dockerfile":        "ARG BASE=a\nFROM $BASE\nFROM alpine:3\n",
		},
	})
}
