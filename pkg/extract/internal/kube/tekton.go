package kube

import (
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// tekton reads what is not in the shape of a task: the image of a StepAction, and
// bundles that tasks and pipelines come from.
//
// https://tekton.dev/docs/pipelines/bundle-resolver/
func (w *walk) tekton(n, spec yamlpos.Node) {
	w.outer = spec.Get("podTemplate")
	if t := spec.Get("taskRunTemplate", "podTemplate"); !t.IsZero() {
		w.outer = t
	}
	if w.object.Kind == "StepAction" {
		w.in(func() {
			p := &pod{walk: w, node: yamlpos.Node{}}
			p.container(spec, group{key: "stepTemplate", family: familyTekton, role: "container"})
		}, "spec")
	}
	w.bundles(n)
}

func (w *walk) bundles(n yamlpos.Node) {
	if n.IsList() {
		w.each(n, w.bundles)
		return
	}
	for k, v := range n.Fields() {
		if !v.IsMap() && !v.IsList() {
			continue
		}
		w.in(func() {
			switch k.String() {
			case "taskRef", "pipelineRef", "ref":
				w.remote(v)
			}
			w.bundles(v)
		}, k.String())
	}
}

func (w *walk) remote(n yamlpos.Node) {
	w.in(func() { w.add(w.reference(n.Get("bundle"), ref.KindArtifact)) }, "bundle")
	if n.Get("resolver").String() != "bundles" {
		return
	}
	w.in(func() {
		w.each(n.Get("params"), func(p yamlpos.Node) {
			if p.Get("name").String() == "bundle" {
				w.in(func() { w.add(w.reference(p.Get("value"), ref.KindArtifact)) }, "value")
			}
		})
	}, "params")
}
