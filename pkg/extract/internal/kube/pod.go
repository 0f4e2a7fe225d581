package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// shapes are the keys by which a mapping is taken for a pod's specification, and
// the families of kinds in which they mean that; familyAny is all.
var shapes = map[string]family{
	"containers":          familyAny,
	"initContainers":      familyAny,
	"ephemeralContainers": familyAny,
	"volumes":             familyAny,
	"steps":               familyTekton,
	"stepTemplate":        familyTekton,
	"sidecars":            familyAny, // of Argo's and Tekton's
	"container":           familyArgo,
	"script":              familyArgo,
}

// A group is where a pod has containers: a list, or a single one.
type group struct {
	key    string
	role   fact.Role
	family family
}

var groups = []group{
	{"initContainers", fact.RoleInit, familyAny},
	{"containers", fact.RoleMain, familyAny},
	{"ephemeralContainers", fact.RoleEphemeral, familyAny},
	{"stepTemplate", fact.RoleMain, familyTekton},
	{"steps", fact.RoleMain, familyTekton},
	{"sidecars", fact.RoleSidecar, familyTekton},
	{"container", fact.RoleMain, familyArgo},
	{"script", fact.RoleMain, familyArgo},
	{"sidecars", fact.RoleSidecar, familyArgo},
}

// containers reports whether list holds what looks like a container; of a kind
// that is not known it has to have a name as well.
func containers(list yamlpos.Node, named bool) bool {
	for _, c := range list.Items() {
		if !c.Get("image").IsZero() && (!named || c.Get("name").String() != "") {
			return true
		}
	}
	return false
}

// A pod is a mapping that has containers, and what holds for all of them.
type pod struct {
	*walk
	node     yamlpos.Node
	template yamlpos.Node // Tekton's, of all steps
	platform ref.Platform

	decoded bool
	spec    corev1.PodSpec
	err     error
}

// shape reads n as the specification of a pod if it looks like one.
func (w *walk) shape(n yamlpos.Node) {
	p := &pod{walk: w, node: n, platform: platform(n)}
	if w.family == familyTekton {
		p.template = n.Get("stepTemplate")
	}
	for _, g := range groups {
		if g.family != familyAny && g.family != w.family {
			continue
		}
		list := n.Get(g.key)
		switch {
		case list.IsList() && containers(list, w.family == familyUnknown):
			w.in(func() { w.each(list, func(c yamlpos.Node) { p.container(c, g) }) }, g.key)
		case list.IsMap() && g.family != familyAny:
			w.in(func() { p.container(list, g) }, g.key)
		}
	}
	w.in(func() { w.each(n.Get("volumes"), p.volume) }, "volumes")
}

func (p *pod) container(c yamlpos.Node, g group) {
	role := g.role
	if role == fact.RoleInit && c.Get("restartPolicy").String() == string(corev1.ContainerRestartPolicyAlways) {
		role = fact.RoleSidecar
	}
	name := c.Get("name").String()
	if name == "" {
		name = p.unnamed(g.key)
	}
	finish := func(f extract.Found, ok bool) {
		if !ok {
			return
		}
		if f.Raw == "auto" {
			// https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
			f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "auto: Istio puts its own image there when the pod is made"
		}
		f.Workload = Workload(p.object)
		f.Container, f.Role, f.Platform = name, role, p.platform
		f.Settings = p.settings(c, role, name)
		p.add(f, true)
	}
	p.in(func() { finish(p.reference(c.Get("image"), ref.KindImage)) }, "image")
	p.arguments(c)
}

// unnamed is what a container is called that has no name in the file.
func (w *walk) unnamed(key string) string {
	switch {
	case key == "container", key == "script": // of Argo
		return "main"
	case key == "containers" && w.object.Group() == "serving.knative.dev":
		return "user-container"
	case key == "stepTemplate":
		return key
	}
	return ""
}

// volume reads a volume that shows the files of an image.
//
// https://kubernetes.io/docs/concepts/storage/volumes/#image
func (p *pod) volume(v yamlpos.Node) {
	image := v.Get("image")
	if !image.IsMap() {
		return
	}
	p.in(func() {
		f, ok := p.reference(image.Get("reference"), ref.KindImage)
		if ok {
			f.Workload = Workload(p.object)
			f.Container, f.Role, f.Platform = v.Get("name").String(), fact.RoleVolume, p.platform
			f.Settings = &fact.Settings{PullPolicy: image.Get("pullPolicy").String()}
		}
		p.add(f, ok)
	}, "image", "reference")
}

// imageFlags are arguments of well-known controllers that name images which they
// make pods of.
var imageFlags = []string{
	"--acme-http01-solver-image", // cert-manager
	"--prometheus-config-reloader",
	"--prometheus-default-base-image",
	"--alertmanager-default-base-image",
	"--thanos-default-base-image",
}

func (p *pod) arguments(c yamlpos.Node) {
	for _, key := range []string{"command", "args"} {
		flag := ""
		p.in(func() {
			p.each(c.Get(key), func(a yamlpos.Node) {
				text := a.String()
				if flag != "" {
					flag = ""
					p.add(p.reference(a, ref.KindImage))
					return
				}
				name, value, ok := strings.Cut(text, "=")
				if !slices.Contains(imageFlags, name) {
					return
				}
				if !ok {
					flag = name
					return
				}
				if value == "" {
					return
				}
				f := p.found(a, value, ref.KindImage)
				if s := a.Part(p.file, extract.StyleReference, len(name)+1, len(text)); s != nil {
					f.Origin.Column += len(name) + 1
					if f.Unresolved == "" {
						f.Site = s
					}
				}
				p.add(f, true)
			})
		}, key)
	}
}

// platform is what a pod asks of its node.
//
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch
func platform(pod yamlpos.Node) ref.Platform {
	s := pod.Get("nodeSelector")
	if s.IsZero() && pod.Get("os").IsZero() {
		return ref.Platform{}
	}
	first := func(texts ...string) string {
		for _, t := range texts {
			if t != "" && Unresolved(t) == "" {
				return t
			}
		}
		return ""
	}
	return ref.Platform{
		OS:           first(s.Get("kubernetes.io/os").String(), s.Get("beta.kubernetes.io/os").String(), pod.Get("os", "name").String()),
		Architecture: first(s.Get("kubernetes.io/arch").String(), s.Get("beta.kubernetes.io/arch").String()),
	}
}

// Workload is o as the cluster would name what it runs.
func Workload(o Object) extract.Workload {
	return extract.Workload{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}
