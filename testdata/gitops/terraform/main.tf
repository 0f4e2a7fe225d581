variable "report_tag" {
  default = "1.9.0"
}

variable "agent" {}

locals {
  registry = "registry.acme.example"
}

data "aws_ami" "node" {
  most_recent = true
  owners      = ["amazon"]
}

data "aws_ssm_parameter" "bottlerocket" {
  name = "/aws/service/bottlerocket/aws-k8s-1.34/x86_64/latest/image_id"
}

resource "aws_instance" "bastion" {
  ami           = "ami-0abcdef1234567890"
  instance_type = "t4g.nano"
}

resource "aws_ecr_repository" "cart" {
  name                 = "shop/cart"
  image_tag_mutability = "MUTABLE"
}

resource "aws_ecr_repository" "web" {
  name                 = "shop/web"
  image_tag_mutability = "IMMUTABLE"
}

resource "aws_ecs_task_definition" "report" {
  family = "report"
  container_definitions = jsonencode([
    { name = "report", image = "${local.registry}/shop/report:${var.report_tag}" },
    { name = "agent", image = var.agent },
  ])
}

resource "aws_lambda_function" "resize" {
  function_name = "resize"
  package_type  = "Image"
  image_uri     = "registry.acme.example/shop/resize@sha256:3333333333333333333333333333333333333333333333333333333333333333"
}
