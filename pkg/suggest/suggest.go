// Package suggest prints what to change in a workload so that its containers run
// with a read-only root file system: the plan of package checks as YAML that
// kubectl takes as a strategic merge patch. It is pure.
package suggest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
)

// A Workload is what declares the containers. The zero Kind is a pod template
// that nothing else is known about.
type Workload struct {
	Kind      string // "Deployment", "CronJob", "Pod"
	Namespace string
	Name      string
}

// A Container is one container of a workload with its plan.
type Container struct {
	Name string
	Role fact.Role
	Plan checks.Plan
}

// kinds are the workloads that take a strategic merge patch, with where their pod
// template is.
var kinds = map[string]struct {
	version string
	path    []string
}{
	"Pod":                   {"v1", []string{"spec"}},
	"ReplicationController": {"v1", []string{"spec", "template", "spec"}},
	"Deployment":            {"apps/v1", []string{"spec", "template", "spec"}},
	"ReplicaSet":            {"apps/v1", []string{"spec", "template", "spec"}},
	"StatefulSet":           {"apps/v1", []string{"spec", "template", "spec"}},
	"DaemonSet":             {"apps/v1", []string{"spec", "template", "spec"}},
	"Job":                   {"batch/v1", []string{"spec", "template", "spec"}},
	"CronJob":               {"batch/v1", []string{"spec", "jobTemplate", "spec", "template", "spec"}},
}

// Patch returns the YAML for the containers of one workload, with what is to be
// known about it as comments. Containers for which a read-only root is not
// feasible get comments alone. Of a kind that takes no such patch it is the part
// of a pod template to merge by hand. It is empty if nothing is to be done or said.
func Patch(w Workload, containers []Container) ([]byte, error) {
	spec, comments, changed := podSpec(containers)
	var out bytes.Buffer
	for _, line := range comments {
		out.WriteString(comment(line))
	}
	if !changed {
		return out.Bytes(), nil
	}
	root := spec
	switch kind, ok := kinds[w.Kind]; {
	case !ok:
		out.WriteString(comment("for the pod template of " + w.String() + ": merge it by hand, item by item"))
	default:
		out.WriteString(comment(command(w)))
		for i := len(kind.path) - 1; i >= 0; i-- {
			root = mapping(kind.path[i], root)
		}
		meta := mapping("name", text(w.Name))
		if w.Namespace != "" {
			add(meta, "namespace", text(w.Namespace))
		}
		head := mapping("apiVersion", text(kind.version))
		add(head, "kind", text(w.Kind))
		add(head, "metadata", meta)
		head.Content = append(head.Content, root.Content...)
		root = head
	}
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write patch of %s: %w", w, err)
	}
	return out.Bytes(), nil
}

// String is "shop/Deployment/cart".
func (w Workload) String() string {
	var parts []string
	for _, s := range []string{w.Namespace, w.Kind, w.Name} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if parts == nil {
		return "a pod"
	}
	return strings.Join(parts, "/")
}

// command is how the patch is applied.
func command(w Workload) string {
	switch w.Kind {
	case "Pod":
		return "a pod cannot be changed in place: change what it is made from, and make it anew"
	case "Job":
		return "the template of a job cannot be changed: change what it is made from, and make it anew"
	}
	s := fmt.Sprintf("kubectl patch %s %s", strings.ToLower(w.Kind), w.Name)
	if w.Namespace != "" {
		s += " -n " + w.Namespace
	}
	return s + " --patch-file FILE"
}

// podSpec returns the part of a pod's specification that changes.
func podSpec(containers []Container) (spec *yaml.Node, comments []string, changed bool) {
	lists := map[string]*yaml.Node{}
	volumes := sequence()
	taken := map[string]bool{}
	for _, c := range containers {
		comments = append(comments, remarks(c)...)
		if c.Plan.NotApplicable != "" || c.Plan.Done || c.Plan.Feasible == fact.No {
			continue
		}
		key := "containers"
		if c.Role == fact.RoleInit || c.Role == fact.RoleSidecar {
			key = "initContainers"
		}
		if lists[key] == nil {
			lists[key] = sequence()
		}
		item := mapping("name", text(c.Name))
		add(item, "securityContext", mapping("readOnlyRootFilesystem", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}))
		mounts := sequence()
		for _, m := range c.Plan.Mounts {
			name := volumeName(c.Name, m.Path, taken)
			mount := mapping("name", text(name))
			add(mount, "mountPath", text(m.Path))
			mount.HeadComment = strings.TrimSuffix(comment(why(m)), "\n")
			mounts.Content = append(mounts.Content, mount)
			volume := mapping("name", text(name))
			add(volume, "emptyDir", &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle})
			volumes.Content = append(volumes.Content, volume)
		}
		if len(mounts.Content) > 0 {
			add(item, "volumeMounts", mounts)
		}
		lists[key].Content = append(lists[key].Content, item)
	}
	spec = &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range []string{"initContainers", "containers"} {
		if lists[key] != nil {
			add(spec, key, lists[key])
		}
	}
	if len(volumes.Content) > 0 {
		add(spec, "volumes", volumes)
	}
	return spec, comments, len(lists) > 0
}

// remarks are the comments about one container.
func remarks(c Container) []string {
	p := c.Plan
	if p.NotApplicable != "" || p.Done {
		return nil
	}
	name := strconv.Quote(c.Name)
	var out []string
	switch p.Feasible {
	case fact.Yes:
		out = append(out, name+" can run with a read-only root")
	case fact.No:
		out = append(out, name+" cannot run with a read-only root as it is")
	default:
		out = append(out, "whether "+name+" can run with a read-only root is not known; try it first where it may fail")
	}
	for _, s := range p.Against {
		out = append(out, "  because "+s)
	}
	for _, s := range p.Remarks {
		out = append(out, "  note: "+s)
	}
	for _, s := range p.Unknown {
		out = append(out, "  not known: "+s)
	}
	return out
}

// why explains a mount.
func why(m checks.PlannedMount) string {
	s := strings.Join(m.Why, "; ")
	switch {
	case m.Hides > 0:
		s += fmt.Sprintf("; hides what the image has there (%d): have an init container copy it if it is needed", m.Hides)
	case m.Hides < 0:
		s += "; hides what the image may have there"
	}
	return s
}
