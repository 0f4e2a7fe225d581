package kube

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/kube"
)

// settings returns what the pod says about a container; nil, with a problem, if
// that can't be read as the API has it.
func (p *pod) settings(c yamlpos.Node, role fact.Role, name string) *fact.Settings {
	p.decode()
	err := p.err
	var container corev1.Container
	if err == nil && !p.template.IsZero() {
		err = decode(p.template, containerFields, &container)
	}
	if err == nil {
		err = decode(c, containerFields, &container)
	}
	if err != nil {
		p.problem(c, fmt.Sprintf("the settings of container %q: %v", name, err))
		return nil
	}
	spec := p.spec
	switch role {
	case fact.RoleInit, fact.RoleSidecar:
		spec.InitContainers = []corev1.Container{container}
	case fact.RoleEphemeral:
		spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(container)}}
	default:
		spec.Containers = []corev1.Container{container}
	}
	s := kube.Images(nil, &spec, "")[0].Settings(&spec, p.podOf)
	return &s
}

// decode reads what holds for all containers of the pod, once.
func (p *pod) decode() {
	if p.decoded {
		return
	}
	p.decoded = true
	for _, n := range []yamlpos.Node{p.outer, p.node} {
		if p.err = decode(n, podFields, &p.spec); p.err != nil {
			return
		}
	}
	for _, n := range []yamlpos.Node{p.node, p.outer} {
		for _, v := range n.Get("volumes").Items() {
			var volume corev1.Volume
			if decode(v, everything, &volume) != nil {
				volume = corev1.Volume{Name: v.Get("name").String()} // of no kind that is known
			}
			p.spec.Volumes = append(p.spec.Volumes, volume)
		}
	}
}

// Fields are the keys that matter of a mapping, and of the mappings of a list;
// nil is all.
type fields map[string]fields

var (
	everything fields
	nothing    = fields{}

	windowsFields = fields{"runAsUserName": nothing, "hostProcess": nothing}

	podFields = fields{
		"securityContext": {"runAsUser": nothing, "runAsGroup": nothing, "runAsNonRoot": nothing,
			"supplementalGroups": nothing, "fsGroup": nothing, "windowsOptions": windowsFields},
		"hostUsers": nothing,
	}
	nameFields      = fields{"name": nothing, "optional": nothing}
	containerFields = fields{
		"imagePullPolicy": nothing,
		"securityContext": {"readOnlyRootFilesystem": nothing, "privileged": nothing, "runAsUser": nothing, "runAsGroup": nothing,
			"runAsNonRoot": nothing, "allowPrivilegeEscalation": nothing, "capabilities": {"add": nothing}, "windowsOptions": windowsFields},
		"volumeMounts": {"name": nothing, "mountPath": nothing, "readOnly": nothing, "subPath": nothing, "subPathExpr": nothing},
		"env":          {"valueFrom": {"configMapKeyRef": nameFields, "secretKeyRef": nameFields}},
		"envFrom":      {"configMapRef": nameFields, "secretRef": nameFields},
	}
)

// decode reads the fields of n into a type of the API, which is stricter than
// what YAML is: a text is no number.
func decode(n yamlpos.Node, only fields, into any) error {
	buf, some := appendJSON(nil, n, "", only)
	if !some {
		return nil
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(buf, into)
}
