package bake_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/bake"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"docker-bake.hcl": {
			"docker-bake.hcl": "variable \"V\" { default = \"1.2\" }\ntarget \"a\" {\n  args = { BASE = \"debian:12\", V = V }\n  contexts = { x = \"docker-image://busybox:1\" }\n  cache-from = [\"type=registry,ref=me/cache:1\"]\n}\ntarget \"b\" {\n  dockerfile-inline = <<EOT\nFROM redis:7\nEOT\n}\n",
			"Dockerfile":      "ARG BASE V\nFROM $BASE\nFROM c:$V\nFROM alpine:3\n",
		},
		"docker-bake.json": {
			"docker-bake.json": "{\"target\": {\"a\": {\"args\": {\"BASE\": \"debian:12\"}, \"contexts\": {\"x\": \"docker-image://busybox:1\"}}}}\n",
			"Dockerfile":       "ARG BASE\nFROM $BASE\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			extracttest.Run(t, extracttest.Suite{Extractor: bake.Extractor{}, Path: name, Files: files})
		})
	}
}
