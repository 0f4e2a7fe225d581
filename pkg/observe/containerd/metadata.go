package containerd

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
)

// Extensions of a container's record that only the CRI plugin writes.
const (
	extensionContainer = "io.cri-containerd.container.metadata"
	extensionSandbox   = "io.cri-containerd.sandbox.metadata"
)

// Labels that the kubelet gives.
const (
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodName      = "io.kubernetes.pod.name"
	labelPodUID       = "io.kubernetes.pod.uid"
)

// A pod is what the CRI plugin keeps with a container.
type pod struct {
	namespace, name, container string
	key                        string // of the container in its pod: the same for every start
	attempt                    uint32 // which start of it
	specified                  string // the image as the pod names it; "" from older ones
	config                     string // "sha256:…" of the image's config, fixed at its creation
	target                     string // "sha256:…" that the image's name stood for then; "" from older ones
	privileged                 bool
	volumes                    []imageVolume
}

// An imageVolume is an image that is mounted.
type imageVolume struct{ path, image, specified string }

// untrustedMetadata is the part that is read. It is written by encoding/json from
// structures whose tags are in snake case.
//
// https://github.com/containerd/containerd/blob/v2.2.0/internal/cri/store/container/metadata.go
type untrustedMetadata struct {
	Version  string
	Metadata struct {
		SandboxID   string
		ImageRef    string
		ImageDigest string
		Config      struct {
			Metadata struct {
				Name    string `json:"name"`
				Attempt uint32 `json:"attempt"`
			} `json:"metadata"`
			Image  untrustedImage    `json:"image"`
			Labels map[string]string `json:"labels"`
			Mounts []struct {
				ContainerPath string          `json:"container_path"`
				Image         *untrustedImage `json:"image"`
			} `json:"mounts"`
			Linux struct {
				SecurityContext struct {
					Privileged bool `json:"privileged"`
				} `json:"security_context"`
			} `json:"linux"`
		}
	}
}

type untrustedImage struct {
	Image     string `json:"image"`
	Specified string `json:"user_specified_image"`
	Ref       string `json:"image_ref"`
}

func parseMetadata(b []byte) (*pod, error) {
	var m untrustedMetadata
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, unsupported(fmt.Errorf("parse the CRI plugin's record: %w", err))
	}
	if m.Version != "v1" {
		return nil, unsupported(fmt.Errorf("parse the CRI plugin's record: it is of version %.40q, not v1", m.Version))
	}
	c := m.Metadata.Config
	p := &pod{namespace: c.Labels[labelPodNamespace], name: c.Labels[labelPodName], container: c.Metadata.Name,
		specified: c.Image.Specified, config: m.Metadata.ImageRef, target: m.Metadata.ImageDigest, privileged: c.Linux.SecurityContext.Privileged}
	p.key, p.attempt = cmp.Or(c.Labels[labelPodUID], m.Metadata.SandboxID)+"/"+p.container, c.Metadata.Attempt
	for _, v := range c.Mounts {
		if v.Image == nil || v.Image.Image == "" {
			continue
		}
		volume := imageVolume{path: v.ContainerPath, image: v.Image.Ref, specified: v.Image.Specified}
		if volume.image == "" {
			volume.image = v.Image.Image
		}
		p.volumes = append(p.volumes, volume)
	}
	return p, nil
}

// unsupported is what another program wrote and nobody here can read.
func unsupported(err error) error { return &image.Error{Op: "read", Cause: fact.Unsupported, Err: err} }

// podOf says of which pod a container is; nil if the CRI did not make it.
func podOf(c *containerdclient.Container) (*pod, error) {
	b, ok := c.Extensions[extensionContainer]
	if !ok {
		return nil, nil
	}
	p, err := parseMetadata(b)
	if err != nil {
		return nil, err
	}
	// Other clients of the CRI than the kubelet give no labels.
	p.name, p.container = cmp.Or(p.name, c.ID), cmp.Or(p.container, c.ID)
	return p, nil
}
