package pulumi_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/pulumi"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: pulumi.Extractor{}, Path: "Pulumi.yaml", Files: map[string]string{
		"Pulumi.yaml": `name: p
runtime: yaml
config: {tag: {default: "1.2"}}
resources:
  a:
    type: docker:RemoteImage
    properties: {name: ghcr.io/acme/a:1.0}
  b:
    type: docker:Container
    properties: {image: "b:${tag}"}
  c:
    type: docker:Container
    properties: {image: "${nope}"}
`,
		"Pulumi.dev.yaml": "config: {}\n",
	}})
}
