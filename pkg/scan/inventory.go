package scan

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"golang.org/x/sync/errgroup"
)

// A Runtime is one place where containers run, and how their images are reached.
type Runtime struct {
	Observer observe.Observer
	// Name is what policies and reports call the cluster or host.
	Name string
	// Files reads what containers have written; nil = not asked for.
	Files observe.Files
	// Place returns the registry as c pulls from it, and a key that is equal for
	// equal places.
	Place func(ctx context.Context, c observe.Container) (p Place, key string, err error)
}

// An inventory is what one Runtime holds, containers that are judged alike put
// together.
type inventory struct {
	runtime *Runtime
	observe.Inventory
	classes  []*class
	groups   []*group
	finished int    // containers that ended: history, not judged
	files    *Files // set if this is what files declare
	packer   report.Packer
}

// A class is containers that are equal in all that is judged. There may be one
// for every few of a hundred thousand containers, so it is small.
type class struct {
	classKey
	inventory *inventory
	at        *workload // of the first of them by name; nil if files declare it
	first     sighting
	found     []*extract.Found // all of them, if files declare it
	workloads []*workload      // of all of them, if patches are to be suggested
	seen      *report.OriginList
	origins   report.Origins // what was seen, when all was
	image     *examined      // that they run, once it was found
	next      *class         // of those whose keys have the same hash
}

// A sighting is what only one container of a class has, and what only some
// observers tell.
type sighting struct {
	pod, id, node string
	kind          fact.DigestKind
	also          []string
	alsoLocal     bool
}

type classKey struct {
	spec     *observe.Spec
	place    policy.Place
	secrets  string // whose pull secrets: a namespace; "" if it has none
	reported string
	manifest ref.Digest
	nodeTag  ref.Digest
	id       string // of a container whose files are looked at
	declared string // the workload, where files are compared with what runs
}

// container is the first container of k by name, without its start.
func (k *class) container() observe.Container {
	f := k.first
	return observe.Container{
		Spec: k.spec, Namespace: k.at.namespace, Pod: f.pod, ID: f.id, Node: f.node, Workload: k.at.Workload, Reported: k.reported,
		ReportedKind: f.kind, Manifest: k.manifest, Also: f.also, AlsoLocal: f.alsoLocal, NodeTag: k.nodeTag,
	}
}

// subject is what the policy is asked about k.
func (k *class) subject() policy.Subject {
	if len(k.found) > 0 {
		return policy.Subject{Path: k.found[0].Origin.Where, Image: canonical(k.found[0].Ref)}
	}
	return policy.Subject{Cluster: k.inventory.runtime.Name, Namespace: k.at.namespace, Image: canonical(k.spec.Container.Ref)}
}

// A workload is what made containers.
type workload struct {
	namespace string
	observe.Workload
	where  string // as reports say it: cluster/namespace/Deployment/name
	groups []*group
	next   *workload // of those whose keys have the same hash
}

// collect observes one runtime. What it could not see is in its gaps.
func (s *scanner) collect(ctx context.Context, r *Runtime) *inventory {
	c := collector{
		policy: s.Policy, joined: len(s.Files) > 0, suggests: s.Suggest, inventory: &inventory{runtime: r},
		seed: maphash.MakeSeed(), seen: map[*observe.Spec]*observe.Spec{}, classes: map[uint64]*class{}, workloads: map[uint64]*workload{}, names: map[string]string{}, platforms: map[ref.Platform]string{},
	}
	seen := 0
	got, err := r.Observer.Observe(ctx, func(o observe.Container) {
		c.add(o)
		if seen++; seen%toldEvery == 0 {
			s.tell("containers of "+r.Name, seen, 0)
		}
	})
	s.tell("containers of "+r.Name, seen, seen)
	c.inventory.Inventory = got
	c.inventory.Name = r.Name
	if err != nil {
		c.inventory.Gaps = append(c.inventory.Gaps, gapOf(err))
	}
	c.histories(got.Histories)
	c.inventory.Histories = nil // they are in the groups now
	c.rollouts()
	c.order()
	c.forget()
	return c.inventory
}

// inventories are those of files, then those of runtimes.
func (s *scanner) inventories(ctx context.Context) []*inventory {
	out := make([]*inventory, len(s.Runtimes), len(s.Runtimes)+len(s.Files))
	var g errgroup.Group
	for i := range s.Runtimes {
		g.Go(func() error {
			out[i] = s.collect(ctx, &s.Runtimes[i])
			return nil
		})
	}
	_ = g.Wait()
	for i := range s.Files {
		out = slices.Insert(out, i, s.declared(&s.Files[i]))
	}
	return out
}

// A collector puts containers together as they are seen.
type collector struct {
	policy    *policy.Policy
	joined    bool // with what files declare
	suggests  bool // patches
	inventory *inventory
	specs     observe.Specs
	seen      map[*observe.Spec]*observe.Spec
	seed      maphash.Seed
	classes   map[uint64]*class    // by the hash of their keys, which are large
	workloads map[uint64]*workload // likewise
	names     map[string]string    // nodes, so that each name is held once
	platforms map[ref.Platform]string
}

type workloadKey struct{ namespace, kind, name, template string }

func (c *collector) add(o observe.Container) {
	f := &o.Spec.Container
	if f.Phase == fact.PhaseFinished && f.Role != fact.RoleInit && f.Role != fact.RoleEphemeral {
		c.inventory.finished++
		return
	}
	o.Spec = c.spec(o.Spec)
	w := c.workload(o)
	k := c.class(o, w)
	if o.Reported != "" && f.Role != fact.RoleEphemeral {
		c.group(o, w, k)
	}
}

// spec returns one of all equal Specs. Observers share them, so that few are
// compared as a whole.
func (c *collector) spec(s *observe.Spec) *observe.Spec {
	one, ok := c.seen[s]
	if !ok {
		one = c.specs.One(s)
		c.seen[s] = one
	}
	return one
}

func (c *collector) workload(o observe.Container) *workload {
	of := o.Workload
	if of.Kind == "" {
		of.Kind, of.Name = "Pod", o.Pod
		if o.Spec.Container.Runtime != "kubernetes" {
			of.Kind = "container"
		}
	}
	key := workloadKey{o.Namespace, of.Kind, of.Name, of.Template}
	hash := maphash.Comparable(c.seed, key)
	for w := c.workloads[hash]; w != nil; w = w.next {
		if key == (workloadKey{w.namespace, w.Kind, w.Name, w.Template}) {
			return w
		}
	}
	w := &workload{namespace: o.Namespace, Workload: of, next: c.workloads[hash]}
	parts := []string{c.inventory.runtime.Name, o.Namespace, of.Kind, of.Name}
	w.where = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
	c.workloads[hash] = w
	return w
}

func (c *collector) class(o observe.Container, w *workload) *class {
	subject := policy.Subject{Cluster: c.inventory.runtime.Name, Namespace: o.Namespace}
	key := classKey{
		spec: o.Spec, place: c.policy.PlaceOf(subject), reported: o.Reported, manifest: o.Manifest, nodeTag: o.NodeTag,
	}
	if len(o.Spec.PullSecrets) > 0 {
		key.secrets = o.Namespace
	}
	if c.inventory.runtime.Files != nil && o.ID != "" {
		key.id = o.ID
	}
	if c.joined {
		key.declared = strings.Join([]string{w.namespace, w.Kind, w.Name}, "/")
	}
	hash := maphash.Comparable(c.seed, key)
	k := c.classes[hash]
	for k != nil && k.classKey != key {
		k = k.next
	}
	if k == nil {
		k = &class{classKey: key, inventory: c.inventory, seen: c.inventory.packer.List(), next: c.classes[hash]}
		c.classes[hash] = k
		c.inventory.classes = append(c.inventory.classes, k)
	}
	// What is said of one of many does not depend on which was seen first.
	if k.at == nil || cmp.Or(cmp.Compare(o.Namespace, k.at.namespace), cmp.Compare(o.Pod, k.first.pod), cmp.Compare(o.ID, k.first.id)) < 0 {
		k.at = w
		k.first = sighting{pod: o.Pod, id: o.ID, node: c.name(o.Node), kind: o.ReportedKind, also: o.Also, alsoLocal: o.AlsoLocal}
	}
	f := &o.Spec.Container
	k.seen.Add(report.Origin{
		Origin:  ref.Origin{Kind: f.Runtime, Where: w.where, Path: o.Pod},
		Running: k.reported, Node: o.Node, Platform: c.platform(f.Platform),
	})
	if n := len(k.workloads); c.suggests && (n == 0 || k.workloads[n-1] != w) {
		k.workloads = append(k.workloads, w)
	}
	return k
}

func compareClasses(a, b *class) int {
	return cmp.Or(cmp.Compare(a.at.namespace, b.at.namespace), cmp.Compare(a.first.pod, b.first.pod), cmp.Compare(a.first.id, b.first.id),
		cmp.Compare(a.spec.Container.Name, b.spec.Container.Name), cmp.Compare(a.reported, b.reported))
}

// order sorts what was collected by name.
func (c *collector) order() {
	slices.SortFunc(c.inventory.classes, compareClasses)
	slices.SortFunc(c.inventory.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.workload.where, b.workload.where), cmp.Compare(a.workload.Template, b.workload.Template),
			cmp.Compare(a.container, b.container), cmp.Compare(a.role, b.role))
	})
	for _, g := range c.inventory.groups {
		slices.SortFunc(g.versions, func(a, b *version) int {
			return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.class.reported, b.class.reported), cmp.Compare(a.class.manifest, b.class.manifest),
				cmp.Compare(a.platform().String(), b.platform().String()))
		})
	}
}

// forget lets go of what only collecting needs: what is left of one class holds no
// other.
func (c *collector) forget() {
	for _, k := range c.inventory.classes {
		k.next = nil
		k.origins, k.seen = k.seen.Sorted(), nil
	}
	for _, w := range c.workloads {
		for w != nil {
			next := w.next
			w.groups, w.next = nil, nil
			w = next
		}
	}
}

// platform is p in words, once.
func (c *collector) platform(p ref.Platform) string {
	text, ok := c.platforms[p]
	if !ok {
		text = p.String()
		c.platforms[p] = text
	}
	return text
}

// name returns one copy of s.
func (c *collector) name(s string) string {
	if known, ok := c.names[s]; ok {
		return known
	}
	c.names[s] = s
	return s
}

// toldEvery is how often it is told how many containers were seen.
const toldEvery = 100
