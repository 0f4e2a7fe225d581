package kube

import (
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// known are custom resources that name images in fields of their own, and in no
// container's.
//
// https://kubevirt.io/user-guide/storage/disks_and_volumes/#containerdisk
// https://olm.operatorframework.io/docs/concepts/crds/
var known = []CRD{
	{Group: "kubevirt.io", Kind: "VirtualMachine", Images: []string{
		"spec.template.spec.volumes[*].containerDisk.image", "spec.template.spec.domain.firmware.kernelBoot.container.image"}},
	{Group: "kubevirt.io", Kind: "VirtualMachineInstance", Images: []string{
		"spec.volumes[*].containerDisk.image", "spec.domain.firmware.kernelBoot.container.image"}},
	{Group: "kubevirt.io", Kind: "VirtualMachineInstanceReplicaSet", Images: []string{
		"spec.template.spec.volumes[*].containerDisk.image", "spec.template.spec.domain.firmware.kernelBoot.container.image"}},
	{Group: "operators.coreos.com", Kind: "CatalogSource", Images: []string{"spec.image"}},
	{Group: "operators.coreos.com", Kind: "ClusterServiceVersion", Images: []string{"spec.relatedImages[*].image"}},
}

// helmChart reads a chart that K3s and RKE2 install, or what is set in one of
// theirs.
//
// https://docs.k3s.io/add-ons/helm
func (w *walk) helmChart(spec yamlpos.Node) {
	before := len(w.images)
	w.in(func() {
		w.inner(spec.Get("valuesContent"), func(v yamlpos.Node) { w.values(v, "") })
	}, "valuesContent")
	w.in(func() { w.parameterMap(spec.Get("set")) }, "set")
	w.charted(before, spec.Get("chart"), spec.Get("version"))
	if content := spec.Get("chartContent"); content.String() != "" {
		w.problem(content, "a chart that is packed into the object is not rendered")
	}
	w.in(func() { w.add(w.reference(spec.Get("jobImage"), ref.KindImage)) }, "jobImage")
}

// parameterMap are values of a chart, each by its path: image: a:1.
func (w *walk) parameterMap(n yamlpos.Node) {
	for k, v := range n.Fields() {
		if imageKey(k.String()) {
			w.in(func() { w.add(w.reference(v, ref.KindImage)) }, k.String())
		}
	}
}
