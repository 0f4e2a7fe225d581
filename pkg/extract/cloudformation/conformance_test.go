package cloudformation_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/cloudformation"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: cloudformation.Extractor{}, Path: "stack.yaml", Files: map[string]string{
		"stack.yaml": `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Tag: {Default: "1.2", Type: String}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Name: a
        Image: ghcr.io/acme/a:1.0 # intact:ignore REF001 x
      - Image: !Sub "b:${Tag}"
      - Image: !ImportValue c
  I:
    Type: AWS::EC2::Instance
    Properties: {ImageId: "{{resolve:ssm:/aws/service/x/latest}}"}
`,
	}})
}
