package quadlet_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/quadlet"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"a.container": {
			"a.container":          "[Container]\n# intact:ignore REF001 why\nImage=b.image\nMount=type=image,source=files:1,dst=/x\nPodmanArgs=\"--mount=type=image,src=more:3,dst=/y\"\n",
			"b.image":              "[Image]\nImage=\\\n  quay.io/a/b:1\n",
			"a.container.d/x.conf": "[Container]\nReadOnly=true\nMount=type=image,source=drop:1,dst=/z\n",
		},
		"a.build": {"a.build": "[Build]\nSetWorkingDirectory=unit\nBuildArg=A=debian:12\n", "Containerfile": "ARG A\nFROM $A\nFROM alpine:3\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			extracttest.Run(t, extracttest.Suite{Extractor: quadlet.Extractor{}, Path: name, Files: files})
		})
	}
}
