package kube

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// patches reads a list of Kustomize's patches in an object of another kind, which
// has them put over what it renders: parts of objects, and JSON patches.
//
// https://fluxcd.io/flux/components/kustomize/kustomizations/#patches
// https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/#patches
func (w *walk) patches(list yamlpos.Node) {
	w.each(list, func(p yamlpos.Node) {
		w.in(func() {
			before := len(w.images)
			if n := p.Get("patch"); n.IsList() {
				w.operations(n)
			} else {
				w.inner(n, w.patch)
			}
			for i := range w.images[before:] { // of an object that is elsewhere, and may have another name
				f := &w.images[before+i].Found
				f.Workload, f.Container, f.Role, f.Settings = extract.Workload{}, "", "", nil
			}
		}, "patch")
	})
}

func (w *walk) patch(n yamlpos.Node) {
	if n.IsList() {
		w.operations(n)
		return
	}
	w.document(n)
}

// operations reads a JSON patch.
//
// https://www.rfc-editor.org/rfc/rfc6902#section-4
func (w *walk) operations(list yamlpos.Node) {
	w.each(list, func(op yamlpos.Node) {
		if name := op.Get("op").String(); name != "add" && name != "replace" {
			return
		}
		value, to := op.Get("value"), op.Get("path").String()
		last := to[strings.LastIndexByte(to, '/')+1:]
		w.in(func() {
			if _, isText := value.Text(); !isText {
				w.values(value, last)
			} else if imageKey(last) || strings.HasSuffix(to, "/image/reference") {
				w.add(w.reference(value, ref.KindImage))
			}
		}, "value")
	})
}
