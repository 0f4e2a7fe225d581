package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
)

// An Object is an object of the API as far as images go.
type Object struct {
	APIVersion, Kind string
	Namespace, Name  string
	// Spec is of the pods that it is or makes, At is where it lies in the object:
	// "spec.template.spec". Nil and "" for a kind that makes none, and for one that is
	// not built in.
	Spec *corev1.PodSpec
	At   string
	// Found are images in a custom resource, in fields that are called image. Unsure
	// are the paths of fields whose names speak of images too, and whose values are
	// no reference by themselves ("spec.image" of {repository, tag}).
	Found  []Found
	Unsure []string
}

// A Found is a field of a custom resource that is taken for an image.
type Found struct{ Path, Image string }

// Places are where the built-in kinds have the specification of their pods, by
// group and kind. A kind has moved between groups (extensions, apps), and never
// changed this place.
var places = map[string]string{
	"Pod":                   "spec",
	"PodTemplate":           "template.spec",
	"ReplicationController": "spec.template.spec",
	"apps/Deployment":       "spec.template.spec",
	"apps/ReplicaSet":       "spec.template.spec",
	"apps/StatefulSet":      "spec.template.spec",
	"apps/DaemonSet":        "spec.template.spec",
	"batch/Job":             "spec.template.spec",
	"batch/CronJob":         "spec.jobTemplate.spec.template.spec",
	"extensions/Deployment": "spec.template.spec",
	"extensions/ReplicaSet": "spec.template.spec",
	"extensions/DaemonSet":  "spec.template.spec",
}

// Custom reports whether o's kind is not built into Kubernetes, so that nothing
// is known of what it makes.
func (o Object) Custom() bool {
	switch g := group(o.APIVersion); g {
	case "", "apps", "batch", "autoscaling", "policy", "extensions":
		return false
	default:
		return !strings.HasSuffix(g, ".k8s.io")
	}
}

func group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// Parse reads an object from its JSON form. A list gives its items. The error
// names the object, as far as it can be told.
func Parse(doc []byte) ([]Object, error) {
	return parse(nil, doc, 0)
}

// listDepth is how deep lists may lie in lists. The API has none; files may have
// a List of Lists.
const listDepth = 4

func parse(dst []Object, doc []byte, depth int) ([]Object, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name         string `json:"name"`
			GenerateName string `json:"generateName"`
			Namespace    string `json:"namespace"`
		} `json:"metadata"`
		Items []json.RawMessage `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &head); err != nil {
		return dst, fmt.Errorf("parse object: %w", err)
	}
	if head.Kind == "" || head.APIVersion == "" {
		return dst, errors.New("parse object: no kind or apiVersion")
	}
	if strings.HasSuffix(head.Kind, "List") && head.Items != nil {
		if depth == listDepth {
			return dst, fmt.Errorf("parse %s: lists are nested deeper than %d", head.Kind, listDepth)
		}
		for i, item := range head.Items {
			var err error
			if dst, err = parse(dst, item, depth+1); err != nil {
				return dst, fmt.Errorf("items[%d]: %w", i, err)
			}
		}
		return dst, nil
	}
	o := Object{APIVersion: head.APIVersion, Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name}
	if o.Name == "" {
		o.Name = head.Metadata.GenerateName
	}
	key := o.Kind
	if g := group(o.APIVersion); g != "" {
		key = g + "/" + o.Kind
	}
	if at, ok := places[key]; ok {
		o.At = at
		spec, err := dig(doc, strings.Split(at, "."))
		if err != nil {
			return dst, fmt.Errorf("parse %s %q: %w", o.Kind, o.Name, err)
		}
		o.Spec = spec
	} else if o.Custom() {
		o.guess(doc)
	}
	return append(dst, o), nil
}

// dig decodes the specification of pods at a path.
func dig(doc []byte, path []string) (*corev1.PodSpec, error) {
	for i, key := range path {
		var level map[string]json.RawMessage
		if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &level); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(path[:i], "."), err)
		}
		if doc = level[key]; doc == nil {
			return nil, fmt.Errorf("it has no %s", strings.Join(path[:i+1], "."))
		}
	}
	var spec corev1.PodSpec
	if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &spec); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(path, "."), err)
	}
	return &spec, nil
}
