package main

import (
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/actions"
	"github.com/intact-dev/intact/pkg/extract/ansible"
	"github.com/intact-dev/intact/pkg/extract/azurepipelines"
	"github.com/intact-dev/intact/pkg/extract/bake"
	"github.com/intact-dev/intact/pkg/extract/chef"
	"github.com/intact-dev/intact/pkg/extract/circleci"
	"github.com/intact-dev/intact/pkg/extract/cloudbuild"
	"github.com/intact-dev/intact/pkg/extract/cloudformation"
	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/extract/devcontainer"
	"github.com/intact-dev/intact/pkg/extract/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/drone"
	"github.com/intact-dev/intact/pkg/extract/ecs"
	"github.com/intact-dev/intact/pkg/extract/gitlab"
	"github.com/intact-dev/intact/pkg/extract/helm"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
	"github.com/intact-dev/intact/pkg/extract/kustomize"
	imagelist "github.com/intact-dev/intact/pkg/extract/list"
	"github.com/intact-dev/intact/pkg/extract/pulumi"
	"github.com/intact-dev/intact/pkg/extract/puppet"
	"github.com/intact-dev/intact/pkg/extract/quadlet"
	"github.com/intact-dev/intact/pkg/extract/terraform"
)

// extractors read what files declare, those that put several files together
// first. repo says what is special about the repository that the files are of,
// root what its folder is called; "" = not known.
func extractors(repo *config.Repository, root string) []extract.Extractor {
	var crds []kubernetes.CRD
	for _, c := range repo.CRDs {
		crds = append(crds, kubernetes.CRD{Group: c.Group, Kind: c.Kind, Images: c.Images})
	}
	var charts []helm.Chart
	for _, c := range repo.Helm {
		charts = append(charts, helm.Chart{Chart: c.Chart, Values: c.Values, Set: c.Set})
	}
	return []extract.Extractor{
		helm.Extractor{Charts: charts, CRDs: crds},
		kustomize.Extractor{CRDs: crds},
		compose.Extractor{Root: root}, bake.Extractor{}, devcontainer.Extractor{},
		terraform.Extractor{}, pulumi.Extractor{}, cloudformation.Extractor{}, ecs.Extractor{},
		actions.Extractor{}, gitlab.Extractor{}, circleci.Extractor{}, azurepipelines.Extractor{}, cloudbuild.Extractor{}, drone.Extractor{},
		ansible.Extractor{}, chef.Extractor{}, puppet.Extractor{},
		quadlet.Extractor{}, kubernetes.Extractor{CRDs: crds}, dockerfile.Extractor{}, imagelist.Extractor{},
	}
}
