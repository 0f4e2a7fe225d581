package kube

import (
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// A family is what is known of a kind.
type family int

const (
	familyUnknown family = iota // a custom resource: pods are found by their shape
	familyAny                   // built in, or one that has nothing but pods
	familyArgo                  // Argo Workflows
	familyTekton
	familyNone // read by somebody else
)

func familyOf(o Object) family {
	switch g := o.Group(); g {
	case "argoproj.io":
		switch o.Kind {
		case "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow":
			return familyArgo
		}
		return familyAny
	case "tekton.dev", "triggers.tekton.dev":
		return familyTekton
	case "kustomize.config.k8s.io":
		return familyNone
	case "", "apps", "batch", "extensions", "serving.knative.dev", "keda.sh", "jobset.x-k8s.io", "monitoring.coreos.com",
		"cert-manager.io", "pkg.crossplane.io":
		return familyAny
	}
	return familyUnknown
}

// custom reads what a kind says in fields of its own.
func (w *walk) custom(n yamlpos.Node) {
	spec := n.Get("spec")
	switch w.object.Group() {
	case "argoproj.io":
		w.argo(n, spec)
	case "tekton.dev", "triggers.tekton.dev":
		w.tekton(n, spec)
	case "monitoring.coreos.com":
		w.in(func() { w.monitoring(spec) }, "spec")
	case "pkg.crossplane.io":
		w.in(func() { w.crossplane(spec) }, "spec")
	case "helm.cattle.io":
		w.in(func() { w.helmChart(spec) }, "spec")
	case "source.toolkit.fluxcd.io":
		if w.object.Kind == "OCIRepository" {
			w.in(func() { w.ociRepository(spec) }, "spec")
		}
	case "helm.toolkit.fluxcd.io":
		if w.object.Kind == "HelmRelease" {
			w.in(func() { w.helmRelease(spec) }, "spec")
		}
	case "kustomize.toolkit.fluxcd.io":
		w.in(func() { w.each(spec.Get("images"), w.override) }, "spec", "images")
		w.in(func() { w.patches(spec.Get("patches")) }, "spec", "patches")
		w.in(func() { w.patches(spec.Get("patchesJson6902")) }, "spec", "patchesJson6902")
	}
}

// monitoring reads the images of the Prometheus operator's servers.
//
// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.CommonPrometheusFields
func (w *walk) monitoring(spec yamlpos.Node) {
	name := ""
	switch w.object.Kind {
	case "Prometheus", "PrometheusAgent":
		name = "prometheus"
	case "Alertmanager":
		name = "alertmanager"
	case "ThanosRuler":
		name = "thanos-ruler"
	default:
		return
	}
	w.server(spec, name)
	if thanos := spec.Get("thanos"); !thanos.IsZero() {
		w.in(func() { w.server(thanos, "thanos-sidecar") }, "thanos")
	}
}

// server reads image, or baseImage with the first that is set of sha, tag and
// version.
func (w *walk) server(n yamlpos.Node, container string) {
	keep := func(f extract.Found, ok bool) {
		f.Workload, f.Container = Workload(w.object), container
		w.add(f, ok)
	}
	if image := n.Get("image"); image.String() != "" || image.IsMap() {
		w.in(func() { keep(w.reference(image, ref.KindImage)) }, "image")
		return
	}
	base, sha, tag, version := n.Get("baseImage"), n.Get("sha"), n.Get("tag"), n.Get("version")
	if base.IsZero() && sha.IsZero() && tag.IsZero() && version.IsZero() {
		return
	}
	name := base.String()
	unset := ""
	if name == "" {
		unset = "spec.image is not set: the operator's own image counts"
	}
	at, raw := base, name
	switch {
	case sha.String() != "":
		at, raw = sha, name+"@sha256:"+sha.String()
	case tag.String() != "":
		at, raw = tag, name+":"+tag.String()
	case version.String() != "":
		at, raw = version, name+":"+version.String()
	}
	f := w.found(at, raw, ref.KindImage)
	if at != base && !base.IsZero() {
		f.Related = append(f.Related, base.Origin(w.file, ""))
	}
	switch {
	case unset != "" && Unresolved(raw) == "":
		f.Ref, f.Unresolved = ref.Ref{}, unset
	case f.Unresolved == "" && at == tag:
		f.Site = at.Site(w.file, extract.StyleTag)
	}
	keep(f, true)
}

// crossplane reads the package of a provider, configuration or function.
func (w *walk) crossplane(spec yamlpos.Node) {
	switch w.object.Kind {
	case "Provider", "Configuration", "Function", "ProviderRevision", "ConfigurationRevision", "FunctionRevision":
		key := "package"
		if strings.HasSuffix(w.object.Kind, "Revision") {
			key = "image"
		}
		w.in(func() { w.add(w.reference(spec.Get(key), ref.KindArtifact)) }, key)
	case "ControllerConfig":
		w.in(func() { w.add(w.reference(spec.Get("image"), ref.KindImage)) }, "image")
	}
}

// configured reads the places that are known of the object's kind, or that
// somebody names.
func (w *walk) configured(n yamlpos.Node) {
	for _, c := range append(known[:len(known):len(known)], w.reader.CRDs...) {
		if c.Kind != w.object.Kind || c.Group != w.object.Group() {
			continue
		}
		for _, p := range c.Images {
			w.place(n, strings.Split(p, "."))
		}
	}
}

// place follows the steps of a place: a name, * for each value of a mapping, and
// [*] behind one for each element of a list.
func (w *walk) place(n yamlpos.Node, steps []string) {
	if len(steps) == 0 {
		at := w.at()
		if slices.ContainsFunc(w.images, func(i Image) bool { return i.Origin.Path == at }) {
			return // found by its shape
		}
		if n.IsMap() && !n.Get("repository").IsZero() {
			w.add(w.imageValues(n))
			return
		}
		f, ok := w.reference(n, ref.KindImage)
		f.Workload = Workload(w.object)
		w.add(f, ok)
		return
	}
	name, lists := steps[0], 0
	for strings.HasSuffix(name, "[*]") {
		name, lists = strings.TrimSuffix(name, "[*]"), lists+1
	}
	below := func(v yamlpos.Node) { w.elements(v, lists, steps[1:]) }
	if name != "*" {
		w.in(func() { below(n.Get(name)) }, name)
		return
	}
	for k, v := range n.Fields() {
		w.in(func() { below(v) }, k.String())
	}
}

func (w *walk) elements(n yamlpos.Node, lists int, steps []string) {
	if lists == 0 {
		w.place(n, steps)
		return
	}
	w.each(n, func(e yamlpos.Node) { w.elements(e, lists-1, steps) })
}
