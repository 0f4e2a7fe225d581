package kube_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestCustomResources(t *testing.T) {
	t.Parallel()
	pod := "containers: [{name: a, image: acme/app:1}]"
	run(t, []example{
		{"rollout", object("argoproj.io/v1alpha1", "Rollout", "spec: {template: {spec: {"+pod+"}}}"), []string{"4 spec.template.spec.containers[0].image acme/app:1 [Rollout/n container a] <acme/app:1>"}},
		{"experiment", object("argoproj.io/v1alpha1", "Experiment", "spec: {templates: [{template: {spec: {"+pod+"}}}]}"), []string{"4 spec.templates[0].template.spec.containers[0].image acme/app:1 [Experiment/n container a] <acme/app:1>"}},
		{"workflow", object("argoproj.io/v1alpha1", "Workflow", `spec:
  podSpecPatch: '{"containers":[{"name":"main","image":"patched:1"}]}'
  templates:
  - name: t
    container: {image: c:1}
    initContainers: [{name: i, image: i:1}]
    sidecars: [{name: s, image: s:1}]
  - script: {image: "{{inputs.parameters.image}}"}
  - containerSet: {containers: [{name: x, image: x:1}]}
  - resource:
      manifest: |
        apiVersion: batch/v1
        kind: Job
        metadata: {name: j}
        spec: {template: {spec: {containers: [{name: k, image: k:1}]}}}
`), []string{
			"5 spec.podSpecPatch.containers[0].image patched:1 [Workflow/n container main]",
			"18 spec.templates[3].resource.manifest.spec.template.spec.containers[0].image k:1 [Job/j container k] <k:1>",
			"9 spec.templates[0].initContainers[0].image i:1 [Workflow/n init i] <i:1>",
			"8 spec.templates[0].container.image c:1 [Workflow/n container main] <c:1>",
			"10 spec.templates[0].sidecars[0].image s:1 [Workflow/n sidecar s] <s:1>",
			"11 spec.templates[1].script.image {{inputs.parameters.image}} (template {{inputs.parameters.image}}) [Workflow/n container main]",
			"12 spec.templates[2].containerSet.containers[0].image x:1 [Workflow/n container x] <x:1>",
		}},
		{"cron workflow", object("argoproj.io/v1alpha1", "CronWorkflow", "spec: {workflowSpec: {templates: [{container: {image: c:1}}]}}"), []string{"4 spec.workflowSpec.templates[0].container.image c:1 [CronWorkflow/n container main] <c:1>"}},
		{"sensor", object("argoproj.io/v1alpha1", "Sensor", "spec: {triggers: [{template: {k8s: {source: {resource: {apiVersion: argoproj.io/v1alpha1, kind: Workflow, spec: {templates: [{container: {image: c:1}}]}}}}}}]}"), []string{"4 spec.triggers[0].template.k8s.source.resource.spec.templates[0].container.image c:1 [Workflow/ container main] <c:1>"}},
		{"application", object("argoproj.io/v1alpha1", "Application", `spec:
  source:
    repoURL: registry.example/charts
    chart: app
    targetRevision: 1.2.3
    helm:
      parameters:
      - {name: image.tag, value: v1}
      - {name: image.repository, value: acme/app}
      - {name: sidecar.image, value: acme/side:2}
      - {name: other, value: x}
      values: |
        image: {repository: acme/v, tag: "3"}
      valuesObject:
        job: {image: acme/job:4}
  sources:
  - repoURL: https://git.example/x
    kustomize:
      images: [acme/a=acme/b:5, acme/c@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, acme/d=acme/e]
  - {repoURL: "oci://registry.example/manifests", targetRevision: ">=1"}
`), []string{
			"8 spec.source.targetRevision registry.example/charts/app:1.2.3 artifact",
			"13 spec.source.helm.parameters[2].value acme/side:2 <acme/side:2>",
			"11 spec.source.helm.parameters acme/app:v1 <v1>",
			"18 spec.source.helm.valuesObject.job.image acme/job:4 <acme/job:4>",
			"16 spec.source.helm.values.image acme/v:3 <3>",
			"7 spec.source.chart app:1.2.3 artifact (a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render)",
			"22 spec.sources[0].kustomize.images[0] acme/b:5 <acme/b:5>",
			"22 spec.sources[0].kustomize.images[1] acme/c@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <acme/c@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
			"22 spec.sources[0].kustomize.images[2] acme/e (the tag is the one that the overlay has)",
			"23 spec.sources[1].targetRevision registry.example/manifests:>=1 artifact (a range of versions: >=1)",
		}},
		{"application set with a patch", object("argoproj.io/v1alpha1", "ApplicationSet", `spec:
  templatePatch: |
    spec:
      source: {helm: {valuesObject: {image: {repository: acme/a, tag: "1"}}}}
      sources: [{kustomize: {images: ['b=acme/b:2']}}]
`), []string{
			"7 spec.templatePatch.spec.source.helm.valuesObject.image acme/a:1 <1>",
			"8 spec.templatePatch.spec.sources[0].kustomize.images[0] acme/b:2 <acme/b:2>",
		}},
		{"chart of K3s", object("helm.cattle.io/v1", "HelmChart", `spec:
  chart: web
  version: "1"
  jobImage: acme/job:3
  set: {image: acme/set:4, replicas: 2}
  valuesContent: |
    image: {repository: acme/a, tag: "1"}
`), []string{
			"10 spec.valuesContent.image acme/a:1 <1>",
			"8 spec.set.image acme/set:4 <acme/set:4>",
			"5 spec.chart web:1 artifact (a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render)",
			"7 spec.jobImage acme/job:3 <acme/job:3>",
		}},
		{"settings of a chart of K3s", object("helm.cattle.io/v1", "HelmChartConfig", "spec: {valuesContent: \"image: acme/a:1\"}\n"), []string{
			"4 spec.valuesContent.image acme/a:1",
		}},
		{"disk of a virtual machine", object("kubevirt.io/v1", "VirtualMachine", "spec: {template: {spec: {volumes: [{name: a, containerDisk: {image: acme/disk:1}}]}}}"), []string{
			"4 spec.template.spec.volumes[0].containerDisk.image acme/disk:1 <acme/disk:1>",
		}},
		{"catalog of operators", object("operators.coreos.com/v1alpha1", "CatalogSource", "spec: {image: acme/catalog:1}"), []string{
			"4 spec.image acme/catalog:1 <acme/catalog:1>",
		}},
		{"operator", object("operators.coreos.com/v1alpha1", "ClusterServiceVersion", "spec: {relatedImages: [{name: a, image: acme/r:1}], install: {spec: {deployments: [{spec: {template: {spec: {"+pod+"}}}}]}}}"), []string{
			"4 spec.install.spec.deployments[0].spec.template.spec.containers[0].image acme/app:1 [ClusterServiceVersion/n container a] <acme/app:1>",
			"4 spec.relatedImages[0].image acme/r:1 <acme/r:1>",
		}},
		{"application of an overlay", object("argoproj.io/v1alpha1", "Application", `spec:
  source:
    repoURL: https://git.example/x
    kustomize:
      patches:
      - target: {kind: Deployment}
        patch: |-
          - op: replace
            path: /spec/template/spec/containers/0/image
            value: acme/a:1
          - {op: remove, path: /spec/image, value: acme/x:1}
      - path: elsewhere.yaml
`), []string{"13 spec.source.kustomize.patches[0].patch[0].value acme/a:1 <acme/a:1>"}},
		{"kustomization of Flux", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", `spec:
  images: [{name: acme/a, newTag: "1"}]
  patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: d}
      spec: {template: {spec: {containers: [{name: c, image: acme/b:2}]}}}
  - patch: '[{"op":"add","path":"/spec/template/spec/initContainers","value":[{"name":"i","image":"acme/c:3"}]},
      {"op":"replace","path":"/spec/template/spec/volumes/0/image/reference","value":"acme/d:4"},
      {"op":"replace","path":"/spec/replicas","value":3}]'
  patchesJson6902:
  - {target: {kind: Pod}, patch: [{op: replace, path: /spec/containers/0/image, value: acme/e:5}]}
`), []string{
			"5 spec.images[0] acme/a:1 <>, digest: ",
			"11 spec.patches[0].patch.spec.template.spec.containers[0].image acme/b:2 <acme/b:2>",
			"12 spec.patches[1].patch[0].value[0].image acme/c:3",
			"12 spec.patches[1].patch[1].value acme/d:4",
			"16 spec.patchesJson6902[0].patch[0].value acme/e:5 <acme/e:5>",
		}},
		{"patches of a helm release", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", `spec:
  postRenderers:
  - kustomize:
      patches:
      - {patch: "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c, image: acme/f:6}]}"}
      patchesJson6902:
      - {patch: [{op: add, path: /spec/containers/-, value: {name: c, image: acme/g:7}}]}
`), []string{
			"8 spec.postRenderers[0].kustomize.patches[0].patch.spec.containers[0].image acme/f:6",
			"10 spec.postRenderers[0].kustomize.patchesJson6902[0].patch[0].value.image acme/g:7 <acme/g:7>",
		}},
		{"application set", object("argoproj.io/v1alpha1", "ApplicationSet", "spec: {template: {spec: {source: {repoURL: x, kustomize: {images: ['acme/a:{{tag}}']}}}}}"), []string{"4 spec.template.spec.source.kustomize.images[0] acme/a:{{tag}} (template {{tag}})"}},
		{"knative", object("serving.knative.dev/v1", "Service", "spec: {template: {spec: {containers: [{image: acme/app:1}]}}}"), []string{"4 spec.template.spec.containers[0].image acme/app:1 [Service/n container user-container] <acme/app:1>"}},
		{"tekton task", object("tekton.dev/v1", "Task", `spec:
  stepTemplate: {image: t:1}
  steps: [{name: s, image: s:1}, {ref: {resolver: bundles, params: [{name: bundle, value: reg.example/b:1}]}}]
  sidecars: [{image: $(params.image)}]
  volumes: [{name: v, image: {reference: v:1}}]
`), []string{
			"6 spec.steps[1].ref.params[0].value reg.example/b:1 artifact <reg.example/b:1>",
			"5 spec.stepTemplate.image t:1 [Task/n container stepTemplate] <t:1>",
			"6 spec.steps[0].image s:1 [Task/n container s] <s:1>",
			"7 spec.sidecars[0].image $(params.image) (parameter $(params.image))",
			"8 spec.volumes[0].image.reference v:1 [Task/n image-volume v] <v:1>",
		}},
		{"tekton pipeline", object("tekton.dev/v1", "Pipeline", "spec: {tasks: [{taskSpec: {steps: [{image: s:1}]}}, {taskRef: {name: x, bundle: reg.example/b:2}}], finally: [{taskSpec: {steps: [{image: f:1}]}}]}"), []string{
			"4 spec.tasks[1].taskRef.bundle reg.example/b:2 artifact <reg.example/b:2>",
			"4 spec.tasks[0].taskSpec.steps[0].image s:1 <s:1>",
			"4 spec.finally[0].taskSpec.steps[0].image f:1 <f:1>",
		}},
		{"tekton pipeline run", object("tekton.dev/v1", "PipelineRun", "spec: {pipelineRef: {resolver: bundles, params: [{name: kind, value: pipeline}, {name: bundle, value: reg.example/p:1}]}}"), []string{"4 spec.pipelineRef.params[1].value reg.example/p:1 artifact <reg.example/p:1>"}},
		{"tekton step action", object("tekton.dev/v1beta1", "StepAction", "spec: {image: a:1}"), []string{"4 spec.image a:1 [StepAction/n container stepTemplate] <a:1>"}},
		{"scaled job", object("keda.sh/v1alpha1", "ScaledJob", "spec: {jobTargetRef: {template: {spec: {"+pod+"}}}}"), []string{"4 spec.jobTargetRef.template.spec.containers[0].image acme/app:1 [ScaledJob/n container a] <acme/app:1>"}},
		{"job set", object("jobset.x-k8s.io/v1alpha2", "JobSet", "spec: {replicatedJobs: [{template: {spec: {template: {spec: {"+pod+"}}}}}]}"), []string{"4 spec.replicatedJobs[0].template.spec.template.spec.containers[0].image acme/app:1 [JobSet/n container a] <acme/app:1>"}},
		{"prometheus", object("monitoring.coreos.com/v1", "Prometheus", "spec: {image: p:1, version: v2, containers: [{name: x, image: x:1}], thanos: {baseImage: quay.io/thanos, version: v0.3}}"), []string{
			"4 spec.image p:1 [Prometheus/n  prometheus] <p:1>",
			"4 spec.thanos quay.io/thanos:v0.3 [Prometheus/n  thanos-sidecar]",
			"4 spec.containers[0].image x:1 [Prometheus/n container x] <x:1>",
		}},
		{"alertmanager of parts", object("monitoring.coreos.com/v1", "Alertmanager", "spec: {baseImage: quay.io/am, tag: v1, version: v2}"), []string{"4 spec quay.io/am:v1 [Alertmanager/n  alertmanager] <v1>"}},
		{"prometheus by hash", object("monitoring.coreos.com/v1", "Prometheus", "spec: {baseImage: quay.io/p, tag: v1, sha: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}"), []string{"4 spec quay.io/p@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [Prometheus/n  prometheus]"}},
		{"thanos ruler of a version", object("monitoring.coreos.com/v1", "ThanosRuler", "spec: {version: v1}"), []string{"4 spec :v1 (spec.image is not set: the operator's own image counts) [ThanosRuler/n  thanos-ruler]"}},
		{"issuer", object("cert-manager.io/v1", "ClusterIssuer", "spec: {acme: {solvers: [{http01: {ingress: {podTemplate: {spec: {"+pod+"}}}}}]}}"), []string{"4 spec.acme.solvers[0].http01.ingress.podTemplate.spec.containers[0].image acme/app:1 [ClusterIssuer/n container a] <acme/app:1>"}},
		{"crossplane", object("pkg.crossplane.io/v1", "Provider", "spec: {package: xpkg.example/p:v1}"), []string{"4 spec.package xpkg.example/p:v1 artifact <xpkg.example/p:v1>"}},
		{"oci repository", object("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec:\n  url: oci://reg.example/a\n  ref:\n    tag: v1\n"), []string{"7 spec.ref.tag reg.example/a:v1 artifact <>/    digest: "}},
		{"oci repository by digest", object("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec: {url: oci://reg.example/a, ref: {tag: v1, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}"), []string{"4 spec.ref.digest reg.example/a:v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa artifact <sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>"}},
		{"oci repository by range", object("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec: {url: oci://reg.example/a, ref: {semver: '>=1'}}"), []string{"4 spec.ref.semver reg.example/a:>=1 artifact (a range of versions: >=1)"}},
		{"oci repository of nothing more", object("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec: {url: oci://reg.example/a}"), []string{"4 spec.url reg.example/a artifact"}},
		{"helm release", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", `spec:
  values:
    image:
      registry: docker.io
      repository: acme/app
      tag: v1 # {"$imagepolicy": "flux-system:app:tag"}
    tagOnly: {image: {tag: v2}}
    nameOnly: {image: {repository: acme/n}}
    digest: {image: {repository: acme/d, tag: v3, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}
    text: {image: acme/t:4}
    empty: {image: {repository: acme/g, tag: v3, digest: ""}}
    none: {image: {repository: acme/h, tag: v3, digest: }}
    whole: {image: {registry: docker.io, repository: "acme/i:v4"}}
    wholeDigest: {image: {registry: docker.io, repository: acme/j@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}
    beside: {image: acme/u, tag: "5"}
    policy: {image: {pullPolicy: Always}}
    useImage: true
    float: {image: {repository: acme/f, tag: 1.10}}
    extra: [{name: x, image: acme/x:6}]
  postRenderers:
  - kustomize: {images: [{name: acme/k, newTag: v7}, {name: acme/l, newName: acme/m}]}
`), []string{
			"9 spec.values.image docker.io/acme/app:v1 <v1>",
			"10 spec.values.tagOnly.image :v2 (the name of the image is not set here)",
			"11 spec.values.nameOnly.image acme/n (the value spec.values.nameOnly.image.tag is not set: the chart's own counts)",
			"12 spec.values.digest.image acme/d:v3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
			"13 spec.values.text.image acme/t:4 <acme/t:4>",
			"14 spec.values.empty.image acme/g:v3 <>",
			"15 spec.values.none.image acme/h:v3 <v3>",
			"16 spec.values.whole.image docker.io/acme/i:v4 <v4>",
			"17 spec.values.wholeDigest.image docker.io/acme/j@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
			"18 spec.values.beside.image acme/u:5 <5>",
			"21 spec.values.float.image acme/f:1.10 (the tag 1.10 is a number and not read as it is written; put it in quotes)",
			"22 spec.values.extra[0].image acme/x:6 <acme/x:6>",
			"24 spec.postRenderers[0].kustomize.images[0] acme/k:v7 <>, digest: ",
			"24 spec.postRenderers[0].kustomize.images[1] acme/m (the tag is the one that the overlay has)",
		}},
		{"application of a chart's site", object("argoproj.io/v1alpha1", "Application", "spec:\n  source: {repoURL: 'https://charts.example', chart: redis, targetRevision: 18.*}\n"), []string{"5 spec.source.chart redis:18.* artifact (a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render)"}},
		{"helm release of a chart's site", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec:\n  chart: {spec: {chart: redis, version: 1.2.3, sourceRef: {kind: HelmRepository, name: x}}}\n"), []string{"5 spec.chart redis:1.2.3 artifact (a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render)"}},
		{"helm release of a chart in a registry", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec: {chartRef: {kind: OCIRepository, name: podinfo}}\n"), []string{"4 spec.chart podinfo artifact (a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render)"}},
		{"helm release of a chart in Git", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec: {chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: x}}}}\n"), nil},
		{"flux kustomization", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "spec:\n  images:\n  - name: acme/k\n    newName: acme/l\n    newTag: v7\n  - name: acme/m\n    digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"), []string{
			"8 spec.images[0] acme/l:v7 <>/    digest: ",
			"10 spec.images[1] acme/m@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
		}},
		{"kustomize's own", object("kustomize.config.k8s.io/v1beta1", "Kustomization", "images: [{name: a, newTag: b}]\n"), nil},
	})
}

func TestConfiguredPlaces(t *testing.T) {
	t.Parallel()
	r := &kube.Reader{CRDs: []kube.CRD{{Group: "db.example.com", Kind: "Cluster", Images: []string{
		"spec.image", "spec.sidecars[*].image", "spec.tools.*.image", "spec.parts", "spec.containers[*].image"}}}}
	text := object("db.example.com/v1", "Cluster", `spec:
  image: a:1
  sidecars: [{image: b:1}, {image: c:1}]
  tools: {x: {image: d:1}, y: {}}
  parts: {repository: e, tag: "1"}
  containers: [{name: f, image: f:1}]
`)
	if diff := cmp.Diff([]string{
		"9 spec.containers[0].image f:1 [Cluster/n container f] <f:1>",
		"5 spec.image a:1 <a:1>",
		"6 spec.sidecars[0].image b:1 <b:1>",
		"6 spec.sidecars[1].image c:1 <c:1>",
		"7 spec.tools.x.image d:1 <d:1>",
		"8 spec.parts e:1 <1>",
	}, read(t, r, text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := read(t, r, object("db.example.org/v1", "Cluster", "spec: {image: a:1}\n")); got != nil {
		t.Errorf("of another group: %q", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	user := int64(1000)
	linux := ref.Platform{OS: "linux", Architecture: "arm64"}
	tests := []struct {
		name, text string
		want       *fact.Settings
		platform   ref.Platform
	}{
		{"nothing said", object("v1", "Pod", "spec: {containers: [{name: a, image: a}]}"), &fact.Settings{}, ref.Platform{}},
		{"much", object("apps/v1", "Deployment", `spec:
  template:
    spec:
      nodeSelector: {kubernetes.io/os: linux, kubernetes.io/arch: arm64}
      hostUsers: no
      securityContext: {runAsUser: 1000, runAsNonRoot: yes, fsGroup: 0x10}
      volumes: [{name: y, emptyDir: {}}, {name: c, configMap: {name: conf, defaultMode: 0400, optional: true}}]
      containers:
      - name: a
        image: a
        imagePullPolicy: Always
        env: [{name: A, value: 1}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]
        volumeMounts: [{name: y, mountPath: /y}, {name: c, mountPath: /c}]
        securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {add: [CHOWN], drop: [ALL]}}
`), &fact.Settings{PullPolicy: "Always", ReadOnlyRoot: true, MayEscalate: fact.No, RunAsUser: &user, RunAsNonRoot: true, HostUsers: fact.No,
			Groups: []int64{16}, Capabilities: []string{"CHOWN"},
			Mounts:  []fact.Mount{{Path: "/c", Kind: "configMap", Source: "conf", ReadOnly: true}, {Path: "/y", Kind: "emptyDir"}},
			Configs: []fact.ConfigObject{{Kind: "ConfigMap", Name: "conf", Use: "volume", Optional: true}, {Kind: "Secret", Name: "s", Use: "env"}}}, linux},
		{"argo's outer ones", object("argoproj.io/v1alpha1", "Workflow", "spec: {securityContext: {runAsUser: 1000}, volumes: [{name: y, emptyDir: {}}], templates: [{container: {image: a, volumeMounts: [{name: y, mountPath: /y}]}}]}"),
			&fact.Settings{RunAsUser: &user, Mounts: []fact.Mount{{Path: "/y", Kind: "emptyDir"}}}, ref.Platform{}},
		{"tekton's template", object("tekton.dev/v1", "Task", "spec: {stepTemplate: {securityContext: {privileged: true}}, steps: [{image: a, securityContext: {runAsUser: 1000}}]}"),
			&fact.Settings{Privileged: true, MayEscalate: fact.Yes, RunAsUser: &user}, ref.Platform{}},
		{"a template in place of a value", object("v1", "Pod", "spec: {containers: [{name: a, image: a, securityContext: {privileged: {{ .x }} }}]}"), nil, ref.Platform{}},
		{"a volume that the API would refuse", object("v1", "Pod", "spec: {volumes: [{name: v, fc: {lun: x}}], containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /v}]}]}"),
			&fact.Settings{Mounts: []fact.Mount{{Path: "/v", Kind: "unknown"}}}, ref.Platform{}},
		{"a text in place of a number", object("v1", "Pod", "spec: {containers: [{name: a, image: a, securityContext: {runAsUser: '1000'}}]}"), nil, ref.Platform{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			images, problems, err := (&kube.Reader{}).Read("f", []byte(tt.text), nil)
			if err != nil || len(images) != 1 {
				t.Fatalf("%d images, %v, error %v", len(images), problems, err)
			}
			if diff := cmp.Diff(tt.want, images[0].Settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if images[0].Platform != tt.platform {
				t.Errorf("platform %v, want %v", images[0].Platform, tt.platform)
			}
			if (tt.want == nil) != (len(problems) == 1) {
				t.Errorf("problems %v", problems)
			}
		})
	}
}
