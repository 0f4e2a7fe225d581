package scan

import (
	"cmp"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// A group is the containers of one name in the pods of one template.
type group struct {
	workload  *workload
	container string
	role      fact.Role
	inventory *inventory
	spec      *observe.Spec // of the first one by name; nil if nothing of it runs
	pod, id   string        // of that one
	reported  string
	versions  []*version
	rollout   bool // pods of another template of the workload are there too
	revisions []observe.Revision
	missing   string                    // why revisions may be missing
	former    *fact.List[fact.Revision] // what was learned of revisions; nil = there are none
}

// A version is one image that the runtime reports for some of a group, on one
// platform.
type version struct {
	class *class // of its first pod, which is the example
	pod   string
	count int
	since time.Time
	nodes []string
}

func (v *version) platform() ref.Platform { return v.class.spec.Container.Platform }

// maxNodes is how many nodes of a version are named.
const maxNodes = 5

// groupOf returns the group of containers of a workload, a new one if there is none.
func (c *collector) groupOf(w *workload, container string, role fact.Role) *group {
	for _, g := range w.groups {
		if g.container == container && g.role == role {
			return g
		}
	}
	g := &group{workload: w, container: container, role: role, inventory: c.inventory}
	w.groups = append(w.groups, g)
	c.inventory.groups = append(c.inventory.groups, g)
	return g
}

func (c *collector) group(o observe.Container, w *workload, k *class) {
	g := c.groupOf(w, o.Spec.Container.Name, o.Spec.Container.Role)
	if g.spec == nil || cmp.Or(cmp.Compare(o.Pod, g.pod), cmp.Compare(o.ID, g.id), cmp.Compare(o.Reported, g.reported)) < 0 {
		g.spec, g.pod, g.id, g.reported = o.Spec, o.Pod, o.ID, k.reported
	}
	i := slices.IndexFunc(g.versions, func(v *version) bool {
		return v.class.reported == o.Reported && v.class.manifest == o.Manifest && v.platform() == o.Spec.Container.Platform
	})
	if i < 0 {
		g.versions = append(g.versions, &version{class: k, pod: o.Pod})
		i = len(g.versions) - 1
	}
	v := g.versions[i]
	v.count++
	if !o.Since.IsZero() && (v.since.IsZero() || o.Since.Before(v.since)) {
		v.since = o.Since
	}
	if o.Pod < v.pod {
		v.pod, v.class = o.Pod, k
	}
	v.nodes = nodesWith(v.nodes, c.name(o.Node))
}

// nodesWith is nodes with one more, the first few by name.
func nodesWith(nodes []string, name string) []string {
	i, known := slices.BinarySearch(nodes, name)
	if known || name == "" || i >= maxNodes {
		return nodes
	}
	out := append(make([]string, 0, len(nodes)+1), nodes[:i]...)
	out = append(append(out, name), nodes[i:]...)
	return out[:min(len(out), maxNodes)]
}

// rollouts marks the groups of workloads of which two templates run.
func (c *collector) rollouts() {
	templates := map[workloadKey]map[string]bool{}
	of := func(g *group) workloadKey {
		return workloadKey{g.workload.namespace, g.workload.Kind, g.workload.Name, ""}
	}
	for _, g := range c.inventory.groups {
		if len(g.versions) == 0 {
			continue
		}
		if templates[of(g)] == nil {
			templates[of(g)] = map[string]bool{}
		}
		templates[of(g)][g.workload.Template] = true
	}
	for _, g := range c.inventory.groups {
		g.rollout = len(templates[of(g)]) > 1
	}
}
