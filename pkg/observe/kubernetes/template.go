package kubernetes

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/kube"
	"github.com/intact-dev/intact/pkg/observe"
)

// A template is what is kept of one: the images that it names.
type template []observe.RevisionContainer

// templateOf reduces the specification of a template's pods.
func (in *interner) templateOf(spec *corev1.PodSpec) template {
	all := kube.Images(nil, spec, "")
	t := make(template, 0, len(all))
	for _, i := range all {
		t = append(t, observe.RevisionContainer{Name: in.one(i.Name), Role: i.Role, Image: in.one(i.Image)})
	}
	return t
}

// image returns what t names for a container of a pod, or for a volume. An
// injector may have made an init container of a container.
func (t template) image(name string, role fact.Role) (string, bool) {
	for _, c := range t {
		if c.Name == name && (c.Role == fact.RoleVolume) == (role == fact.RoleVolume) {
			return c.Image, true
		}
	}
	return "", false
}

// id is equal for templates that name the same images.
func (t template) id() string {
	h := fnv.New64a()
	for _, c := range t {
		fmt.Fprintf(h, "%q %q %q\n", c.Name, c.Role, c.Image)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

func (t template) equal(u template) bool { return slices.Equal(t, u) }

// patchTemplate reads the data of a ControllerRevision: a patch that brings back
// the template of a StatefulSet or DaemonSet. Other controllers that keep
// ControllerRevisions and write the same form are understood, too.
//
// https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/controller/statefulset/stateful_set_utils.go#L546
func (in *interner) patchTemplate(data []byte) (template, error) {
	var patch struct {
		Spec struct {
			Template *struct {
				Spec corev1.PodSpec `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &patch); err != nil {
		return nil, fmt.Errorf("parse patch: %w", err)
	}
	if patch.Spec.Template == nil {
		return nil, errors.New("parse patch: it has no spec.template")
	}
	return in.templateOf(&patch.Spec.Template.Spec), nil
}

// An interner keeps one of each string. It may not be used concurrently.
type interner struct{ all map[string]string }

func (in *interner) one(s string) string {
	if s == "" {
		return ""
	}
	if known, ok := in.all[s]; ok {
		return known
	}
	if in.all == nil {
		in.all = map[string]string{}
	}
	in.all[s] = s
	return s
}
