package terraform_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/terraform"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("hcl", func(t *testing.T) {
		t.Parallel()
		extracttest.Run(t, extracttest.Suite{Extractor: terraform.Extractor{}, Path: "main.tf", Files: map[string]string{
			"main.tf": `variable "tag" { default = "1.2" }
resource "kubernetes_pod" "p" {
  spec {
    container {
      name  = "a"
      image = "ghcr.io/acme/a:1.0" # intact:ignore REF001 x
    }
    container {
      image = "b:${var.tag}"
    }
    container {
      image = var.unset
    }
  }
}
resource "aws_ecs_task_definition" "t" {
  container_definitions = <<-E
    [{"name": "c", "image": "c:3"}]
  E
}
data "aws_ami" "a" {
  most_recent = true
}
`,
		}})
	})
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		extracttest.Run(t, extracttest.Suite{Extractor: terraform.Extractor{}, Path: "main.tf.json", Files: map[string]string{
			"main.tf.json": `{"variable": {"tag": {"default": "1.2"}}, "resource": {"docker_image": {
  "a": {"name": "ghcr.io/acme/a:1.0"},
  "b": {"name": "b:${var.tag}"}
}}}
`,
		}})
	})
}
