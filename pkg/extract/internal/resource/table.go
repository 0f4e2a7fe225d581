package resource

import "strings"

// A reader is what is known of a type of resource.
type reader func(*Sink, Resource)

// Knows reports whether resources of a type have images, or are registries.
func Knows(kind string) bool { return readerOf(kind) != nil }

// Read adds what r says. Of a type that is not known it is the containers that r
// has.
func (s *Sink) Read(r Resource) {
	read := readerOf(r.Type)
	if read == nil {
		read = other
	}
	read(s, r)
}

// readerOf knows the names that Terraform, CloudFormation and Pulumi give to
// types; nil for all others.
func readerOf(kind string) reader {
	kind = Short(kind)
	switch kind {
	case "aws_ecs_task_definition", "AWS::ECS::TaskDefinition", "aws:ecs:TaskDefinition", "aws-native:ecs:TaskDefinition":
		return ecsTask
	case "awsx:ecs:FargateTaskDefinition", "awsx:ecs:EC2TaskDefinition", "awsx:ecs:FargateService", "awsx:ecs:EC2Service":
		return awsxTask
	case "aws_batch_job_definition", "AWS::Batch::JobDefinition", "aws:batch:JobDefinition", "aws-native:batch:JobDefinition":
		return batchJob
	case "aws_lambda_function", "AWS::Lambda::Function", "AWS::Serverless::Function", "aws:lambda:Function", "aws-native:lambda:Function":
		return lambda
	case "aws_apprunner_service", "AWS::AppRunner::Service", "aws:apprunner:Service", "aws-native:apprunner:Service":
		return appRunner
	case "aws_sagemaker_model", "AWS::SageMaker::Model", "aws:sagemaker:Model", "aws-native:sagemaker:Model":
		return sageMaker
	case "docker_image", "docker:RemoteImage", "docker_registry_image":
		return dockerImage
	case "docker_container", "docker:Container", "docker_service", "docker:Service":
		return dockerContainer
	case "google_cloud_run_service", "google_cloud_run_v2_service", "google_cloud_run_v2_job", "google_cloud_run_v2_worker_pool",
		"gcp:cloudrun:Service", "gcp:cloudrunv2:Service", "gcp:cloudrunv2:Job", "google-native:run/v1:Service", "google-native:run/v2:Service":
		return cloudRun
	case "azurerm_container_app", "azurerm_container_app_job", "azurerm_container_group",
		"azure-native:app:ContainerApp", "azure-native:app:Job", "azure-native:containerinstance:ContainerGroup",
		"azure-native:web:ContainerApp", "azure:containerapp:App", "azure:containerapp:Job", "azure:containerservice:Group":
		return azureContainers
	case "azurerm_linux_web_app", "azurerm_linux_web_app_slot", "azurerm_windows_web_app", "azurerm_windows_web_app_slot", "azurerm_linux_function_app",
		"azurerm_linux_function_app_slot", "azurerm_app_service", "azurerm_function_app", "azure-native:web:WebApp":
		return azureWeb
	case "aws_codebuild_project", "AWS::CodeBuild::Project", "aws:codebuild:Project":
		return codeBuild
	case "aws_lightsail_container_service_deployment_version", "AWS::Lightsail::Container":
		return lightsail
	case "helm_release", "kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Chart", "kubernetes:helm.sh/v4:Chart":
		return helmRelease
	case "kubectl_manifest", "kubernetes:yaml:ConfigGroup", "kubernetes:yaml/v2:ConfigGroup":
		return manifests
	}
	if r := registryOf(kind); r != nil {
		return func(s *Sink, x Resource) {
			if !x.Data { // what is looked up is declared elsewhere
				r(s, x)
			}
		}
	}
	if r := machineOf(kind); r != nil {
		return r
	}
	if strings.HasPrefix(kind, "kubernetes_") || strings.HasPrefix(kind, "kubernetes:") {
		return kubernetes
	}
	return nil
}

// Short is a type of Pulumi without the file of its module:
// aws:ecs/taskDefinition:TaskDefinition is aws:ecs:TaskDefinition. Kubernetes has
// versions there.
//
// https://www.pulumi.com/docs/iac/concepts/resources/names/#types
func Short(kind string) string {
	p := strings.Split(kind, ":")
	if len(p) != 3 || p[1] == "" || p[0] == "kubernetes" {
		return kind
	}
	module, file, ok := strings.Cut(p[1], "/")
	switch {
	case module == "index" || p[1] == "index":
		return p[0] + ":" + p[2]
	case ok && strings.EqualFold(file, p[2]):
		return p[0] + ":" + module + ":" + p[2]
	}
	return kind
}
