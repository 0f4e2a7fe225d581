package kubernetes

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// A made is what is known of what made a pod. All pods of one ReplicaSet, Job or
// revision share it.
type made struct {
	workload observe.Workload
	images   template
	why      string // there is no template to be seen
	owned    bool
}

// template fills in what the template says of a container. Nothing but an
// ephemeral container can join a pod after it was created; the API server sees to
// that. What else is in a pod and not in its template was put there when it was
// created.
func (m *made) template(d *fact.Container) {
	d.Added = d.Role == fact.RoleEphemeral
	switch {
	case !m.owned || d.Added:
	case m.images == nil:
		d.NoTemplate = m.why
	default:
		image, ok := m.images.image(d.Name, d.Role)
		d.Template, d.Injected = image, !ok
	}
}

// climb is how many owners of owners are looked at: more than operators stack.
const climb = 8

// maker returns what made a pod.
func (v *observation) maker(ctx context.Context, pod *corev1.Pod) *made {
	p := v.index.controllerOf(pod.OwnerReferences)
	if p == nil {
		return &made{}
	}
	key := makerKey{p.uid, pod.Labels[controllerRevisionHash]}
	if key.hash == "" {
		key.hash = pod.Labels[podTemplateHash]
	}
	if m := v.makers[key]; m != nil {
		return m
	}
	m := &made{owned: true}
	o, why := v.find(ctx, pod.Namespace, p)
	v.templateFor(m, o, p, pod, why)
	v.name(ctx, m, o, p, pod.Namespace)
	if ctx.Err() == nil { // what was not found for want of time may be found the next time
		v.makers[key] = m
	}
	return m
}

// templateFor finds the template of a pod, by its owner o that p names.
func (v *observation) templateFor(m *made, o *owner, p *parent, pod *corev1.Pod, why string) {
	ix := v.index
	set := ix.revisions[p.uid]
	if o != nil && o.parent != nil && o.made != nil {
		set = ix.revisions[o.parent.uid]
	}
	if set != nil {
		set.used = true
	}
	if o != nil && o.template != nil {
		m.images = o.template
		if o.made != nil {
			m.workload.Template = o.made.hash
			m.workload.Current = ix.current(set, o.made.hash)
		}
		return
	}
	hash := pod.Labels[controllerRevisionHash]
	if hash == "" {
		m.workload.Template = pod.Labels[podTemplateHash] // of an owner that cannot be seen
		if _, ok := builtin[p.apiVersion+"/"+p.kind]; !ok || why == "" {
			why = fmt.Sprintf("a %s has no template that is known", p.kind)
		}
		m.why = why
		return
	}
	m.workload.Template = ix.one(hash)
	if m.workload.Current = ix.current(set, hash); o != nil && o.update != "" {
		m.workload.Current = tri(o.update == hash)
	}
	if r := set.hashed(hash); r != nil {
		if m.images = r.template; r.err != nil {
			m.why = fmt.Sprintf("%s cannot be read: %v", r.name, r.err)
		}
		return
	}
	m.why = fmt.Sprintf("its ControllerRevision %q is gone", hash)
	if err := ix.failed[controllerRevisions]; err != nil {
		m.why = fmt.Sprintf("its ControllerRevision %q is not known: %v", hash, err)
	}
}

// hashed returns the revision that pods name by hash; nil = there is none.
func (set *revisions) hashed(hash string) *revision {
	if set == nil {
		return nil
	}
	i := slices.IndexFunc(set.all, func(r *revision) bool { return r.hash == hash })
	if i < 0 {
		return nil
	}
	return set.all[i]
}

// current says whether the revision with hash is the newest one of set.
func (ix *index) current(set *revisions, hash string) fact.Tri {
	newest := set.newest()
	if newest == nil || ix.failed[set.kind] != nil {
		return fact.TriUnknown
	}
	return tri(newest.hash == hash)
}

func tri(b bool) fact.Tri {
	if b {
		return fact.Yes
	}
	return fact.No
}

// name finds what people call the workload: the topmost owner, but no higher than
// what keeps a template and rolls it out. For the team it looks higher.
func (v *observation) name(ctx context.Context, m *made, o *owner, p *parent, namespace string) {
	called := func() {
		m.workload.APIVersion, m.workload.Kind, m.workload.Name, m.workload.UID = p.apiVersion, p.kind, p.name, string(p.uid)
	}
	called()
	named := p.keeps()
	below := o
	for range climb {
		if o == nil {
			return
		}
		if m.workload.Team == "" {
			m.workload.Team = o.team
		}
		if o.parent == nil || named && (len(v.o.Team) == 0 || m.workload.Team != "") {
			return
		}
		p = o.parent
		below = o
		o, _ = v.find(ctx, namespace, p)
		if named {
			continue
		}
		called()
		if named = p.keeps(); p.kind == cronJobs.kind && named && below.template != nil {
			m.workload.Template = "template " + below.template.id() // Kubernetes gives it no name
			if o != nil && o.template != nil {
				m.workload.Current = tri(o.template.equal(below.template))
			}
		}
	}
}
