// Package kube reads the specifications of Kubernetes pods: where they name
// images, and what they allow the containers that run them. It asks nobody.
package kube

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
)

// An Image is one place of a pod's specification that names an image.
type Image struct {
	Name  string // of the container, or of the volume
	Role  fact.Role
	Image string // as written; "" = none is

	at, list, field string
	index           int
}

// Path is the place below the object that the specification is of:
// "spec.template.spec.containers[0].image".
func (i Image) Path() string {
	return i.at + "." + i.list + "[" + strconv.Itoa(i.index) + "]." + i.field
}

// Images appends every image that spec names to dst: of init containers,
// containers, ephemeral containers, and volumes. at is where spec lies in its
// object: "spec", "spec.template.spec".
func Images(dst []Image, spec *corev1.PodSpec, at string) []Image {
	for i := range spec.InitContainers {
		c, role := &spec.InitContainers[i], fact.RoleInit
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			role = fact.RoleSidecar
		}
		dst = append(dst, Image{c.Name, role, c.Image, at, "initContainers", "image", i})
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		dst = append(dst, Image{c.Name, fact.RoleMain, c.Image, at, "containers", "image", i})
	}
	for i := range spec.EphemeralContainers {
		c := &spec.EphemeralContainers[i]
		dst = append(dst, Image{c.Name, fact.RoleEphemeral, c.Image, at, "ephemeralContainers", "image", i})
	}
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.Image != nil {
			dst = append(dst, Image{v.Name, fact.RoleVolume, v.Image.Reference, at, "volumes", "image.reference", i})
		}
	}
	return dst
}

// Container returns the container of spec that i is of; nil for a volume.
func (i Image) Container(spec *corev1.PodSpec) *corev1.Container {
	switch i.Role {
	case fact.RoleInit, fact.RoleSidecar:
		return &spec.InitContainers[i.index]
	case fact.RoleMain:
		return &spec.Containers[i.index]
	case fact.RoleEphemeral:
		return (*corev1.Container)(&spec.EphemeralContainers[i.index].EphemeralContainerCommon)
	}
	return nil
}

// PullSecrets names the Secrets that spec's images are pulled with. The API
// server has added those of the service account to a pod that named none.
func PullSecrets(spec *corev1.PodSpec) []string {
	var out []string
	for _, s := range spec.ImagePullSecrets {
		if s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return out
}
