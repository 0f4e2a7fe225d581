package kube

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// argo reads what Argo's kinds say in fields of their own.
func (w *walk) argo(n, spec yamlpos.Node) {
	switch w.object.Kind {
	case "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate":
		w.outer = spec
		w.in(func() { w.workflow(spec) }, "spec")
	case "CronWorkflow":
		w.outer = spec.Get("workflowSpec")
		w.in(func() { w.workflow(w.outer) }, "spec", "workflowSpec")
	case "Application", "ApplicationSet":
		w.in(func() { w.sources(spec) }, "spec")
		if patch := spec.Get("templatePatch"); strings.Contains(patch.String(), "mage") { // most others are no YAML before they are rendered
			w.in(func() { w.inner(patch, w.patched) }, "spec", "templatePatch")
		}
	}
}

// workflow reads the texts in a workflow that hold objects and patches of pods.
//
// https://argo-workflows.readthedocs.io/en/latest/fields/#template
func (w *walk) workflow(spec yamlpos.Node) {
	patch := func(n yamlpos.Node) {
		w.in(func() { w.inner(n.Get("podSpecPatch"), w.shape) }, "podSpecPatch")
	}
	template := func(t yamlpos.Node) {
		w.in(func() { w.inner(t.Get("resource", "manifest"), w.search) }, "resource", "manifest")
		patch(t)
	}
	patch(spec)
	w.in(func() { w.each(spec.Get("templates"), template) }, "templates")
	w.in(func() { template(spec.Get("templateDefaults")) }, "templateDefaults")
}

// patched reads what a set puts over the applications that it makes: a part of a
// source, mostly without its address.
//
// https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Template/#template-patch
func (w *walk) patched(n yamlpos.Node) {
	w.in(func() {
		w.in(func() { w.source(n.Get("spec", "source")) }, "source")
		w.in(func() { w.each(n.Get("spec", "sources"), w.source) }, "sources")
	}, "spec")
}

// sources looks for the sources of applications, wherever a set has them.
func (w *walk) sources(n yamlpos.Node) {
	if n.IsList() {
		w.each(n, w.sources)
		return
	}
	if !n.Get("repoURL").IsZero() {
		w.source(n)
		return
	}
	for k, v := range n.Fields() {
		if v.IsMap() || v.IsList() {
			w.in(func() { w.sources(v) }, k.String())
		}
	}
}

// source reads what an application sets in a chart or overlay, and the chart
// itself if it is an artifact of a registry.
//
// https://argo-cd.readthedocs.io/en/stable/user-guide/helm/
func (w *walk) source(n yamlpos.Node) {
	before := len(w.images)
	defer func() { w.charted(before, n.Get("chart"), n.Get("targetRevision")) }()
	w.chart(n)
	w.in(func() { w.each(n.Get("kustomize", "images"), w.kustomizeImage) }, "kustomize", "images")
	w.in(func() { w.patches(n.Get("kustomize", "patches")) }, "kustomize", "patches")
	helm := n.Get("helm")
	w.in(func() {
		w.in(func() { w.parameters(helm.Get("parameters")) }, "parameters")
		w.in(func() { w.values(helm.Get("valuesObject"), "") }, "valuesObject")
		w.in(func() {
			w.inner(helm.Get("values"), func(v yamlpos.Node) { w.values(v, "") })
		}, "values")
	}, "helm")
}

// chart reads the reference of a chart or manifests in a registry: oci://… or, of
// a chart, an address without a scheme.
func (w *walk) chart(n yamlpos.Node) {
	url, chart, revision := n.Get("repoURL"), n.Get("chart"), n.Get("targetRevision")
	address, oci := strings.CutPrefix(url.String(), "oci://")
	if !oci && (chart.String() == "" || strings.Contains(address, "://")) {
		return
	}
	if c := chart.String(); c != "" {
		address = strings.TrimSuffix(address, "/") + "/" + c
	}
	w.in(func() {
		at, raw := url, address
		if r := revision.String(); r != "" {
			at, raw = revision, address+":"+strings.ReplaceAll(r, "+", "_")
			if strings.HasPrefix(r, "sha256:") {
				raw = address + "@" + r
			}
		}
		f := w.found(at, raw, ref.KindArtifact)
		if rangeOfVersions(revision.String()) {
			f.Ref, f.Unresolved = ref.Ref{}, "a range of versions: "+revision.String()
		}
		if at != url {
			f.Related = append(f.Related, url.Origin(w.file, ""))
		}
		w.add(f, true)
	}, "targetRevision")
}

func rangeOfVersions(s string) bool { return strings.ContainsAny(s, "*^~<>|, ") && Unresolved(s) == "" }

// kustomizeImage reads name=new:tag, or new:tag.
//
// https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/
func (w *walk) kustomizeImage(n yamlpos.Node) {
	text := n.String()
	from := strings.Index(text, "=") + 1
	raw := text[from:]
	if raw == "" {
		return
	}
	f := w.found(n, raw, ref.KindImage)
	if f.Unresolved == "" && f.Ref.Tag == "" && f.Ref.Digest == "" {
		f.Ref, f.Unresolved = ref.Ref{}, "the tag is the one that the overlay has"
	}
	if s := n.Part(w.file, extract.StyleReference, from, len(text)); s != nil {
		f.Origin.Column += from
		if f.Unresolved == "" {
			f.Site = s
		}
	}
	w.add(f, true)
}

// parameters are values of a chart, one by one: image.tag.
func (w *walk) parameters(list yamlpos.Node) {
	set := map[string]*parts{}
	var order []string
	w.each(list, func(p yamlpos.Node) {
		name, value := p.Get("name").String(), p.Get("value")
		prefix, last := "", name
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			prefix, last = name[:i], name[i+1:]
		}
		owner := prefix[strings.LastIndexByte(prefix, '.')+1:]
		get := func() *parts {
			if set[prefix] == nil {
				set[prefix] = &parts{missing: "the value " + prefix + ".tag is not set here: the chart's own counts"}
				order = append(order, prefix)
			}
			return set[prefix]
		}
		switch {
		case last == "repository":
			get().name = value
		case last == "registry" && imageKey(owner):
			get().registry = value
		case last == "tag" && imageKey(owner):
			get().tag = value
		case last == "digest" && imageKey(owner):
			get().digest = value
		case imageKey(last):
			w.in(func() { w.add(w.reference(value, ref.KindImage)) }, "value")
		}
	})
	for _, prefix := range order {
		w.add(w.composed(*set[prefix], ref.KindImage))
	}
}
