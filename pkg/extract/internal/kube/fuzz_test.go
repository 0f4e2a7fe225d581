package kube_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/internal/kube"
)

func FuzzRead(f *testing.F) {
	f.Add([]byte(object("apps/v1", "Deployment", "spec: {template: {spec: {volumes: [{name: v, image: {reference: b}}], containers: [{name: a, image: acme/app:1, args: [--acme-http01-solver-image=x]}]}}}")))
	f.Add([]byte(object("argoproj.io/v1alpha1", "Workflow", "spec: {podSpecPatch: '{containers: [{image: a}]}', templates: [{script: {image: '{{x}}'}, resource: {manifest: \"apiVersion: v1\\nkind: Pod\\n\"}}]}")))
	f.Add([]byte(object("argoproj.io/v1alpha1", "Application", "spec: {source: {repoURL: r, chart: c, targetRevision: 1, kustomize: {images: [a=b:1]}, helm: {parameters: [{name: image.tag, value: 1}], values: 'image: a'}}}")))
	f.Add([]byte(object("tekton.dev/v1", "Task", "spec: {stepTemplate: {image: a}, steps: [{image: b, securityContext: {runAsUser: 1}}], sidecars: [{image: c}]}")))
	f.Add([]byte(object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec: {values: {image: {registry: a, repository: b, tag: 1.10}}}")))
	f.Add([]byte(object("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec: {url: oci://a/b, ref: {tag: c}}")))
	f.Add([]byte("\xff\xfea\x00:\x00"))
	r := &kube.Reader{CRDs: []kube.CRD{{Kind: "K", Images: []string{"a.*[*].b", "c"}}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		images, problems, err := r.Read("f", data, nil)
		if err != nil && (images != nil || problems != nil) {
			t.Fatal("an error and a result")
		}
		for _, i := range images {
			if (i.Ref.Name == "") == (i.Unresolved == "") {
				t.Fatalf("%q is %v and unresolved %q", i.Raw, i.Ref, i.Unresolved)
			}
			if s := i.Site; s != nil && (s.Start < 0 || s.Start > s.End || s.End > len(data) || i.Unresolved != "") {
				t.Fatalf("%q has the site %+v of %d bytes", i.Raw, s, len(data))
			}
		}
	})
}
