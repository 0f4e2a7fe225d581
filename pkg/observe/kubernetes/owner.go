package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// An owner is what is kept of an object that makes pods, or makes what does.
type owner struct {
	kind, name string
	parent     *parent // its controller; nil = none
	team       string
	template   template // of its pods; nil = it has none of its own
	made       *revision
	update     string // of a StatefulSet: the revision that its pods are brought to
}

// A parent is a reference to the controller of an object.
type parent struct {
	uid                    types.UID
	apiVersion, kind, name string
}

// Revisions are the states of the template of one controller.
type revisions struct {
	namespace string
	of        *parent
	kind      resource // what they are kept in
	all       []*revision
	used      bool // there are pods of one
}

// A revision is one state of a template.
type revision struct {
	name     string // "ReplicaSet cart-7d4b9c"
	number   int64
	hash     string // by which pods say that they are of it
	template template
	err      error // it cannot be read
}

// Labels and annotations by which controllers tell revisions of templates apart.
const (
	podTemplateHash        = "pod-template-hash"
	rolloutTemplateHash    = "rollouts-pod-template-hash"
	controllerRevisionHash = "controller-revision-hash"
)

// revisionAnnotations number the ReplicaSets (or ReplicationControllers) of a
// Deployment, an Argo Rollout, an OpenShift DeploymentConfig.
var revisionAnnotations = [...]string{
	"deployment.kubernetes.io/revision",
	"rollout.argoproj.io/revision",
	"openshift.io/deployment-config.latest-version",
}

// controllerOf returns the reference to the controller among refs; nil = none.
func (in *interner) controllerOf(refs []metav1.OwnerReference) *parent {
	for _, r := range refs {
		if r.Controller != nil && *r.Controller {
			return &parent{types.UID(in.one(string(r.UID))), in.one(r.APIVersion), in.one(r.Kind), in.one(r.Name)}
		}
	}
	return nil
}

// An index is what is known of owners. It is built by one at a time (see mu of
// observation).
type index struct {
	interner
	teams []string // Options.Team

	owners    map[types.UID]*owner
	revisions map[types.UID]*revisions // by what they are of
	gone      map[types.UID]string     // owners that cannot be seen, and why
	failed    map[resource]error       // kinds that could not be listed, at least not all
}

func newIndex(teams []string) *index {
	return &index{teams: teams, owners: map[types.UID]*owner{}, revisions: map[types.UID]*revisions{},
		gone: map[types.UID]string{}, failed: map[resource]error{}}
}

// add keeps an owner of kind. An object that comes again is kept once.
func (ix *index) add(kind string, m *metav1.ObjectMeta) (o *owner, isNew bool) {
	if o := ix.owners[m.UID]; o != nil {
		return o, false
	}
	o = &owner{kind: kind, name: ix.one(m.Name), parent: ix.controllerOf(m.OwnerReferences), team: ix.teamOf(kind, m)}
	ix.owners[m.UID] = o
	return o, true
}

// addNumbered keeps what makes pods of one template and is itself one revision of
// what owns it.
func (ix *index) addNumbered(kind resource, m *metav1.ObjectMeta, t template) {
	o, isNew := ix.add(kind.kind, m)
	if !isNew {
		return
	}
	o.template = t
	r := &revision{name: kind.kind + " " + o.name, template: t}
	for _, key := range []string{podTemplateHash, rolloutTemplateHash} {
		if h := m.Labels[key]; h != "" {
			r.hash = ix.one(h)
			break
		}
	}
	if r.hash == "" && o.parent != nil {
		r.hash = o.name // which then is what tells it from the others
	}
	for _, key := range revisionAnnotations {
		if n, err := strconv.ParseInt(m.Annotations[key], 10, 64); err == nil && n > 0 {
			r.number = n
			break
		}
	}
	o.made = r
	if o.parent != nil {
		set := ix.revisionsOf(o.parent, m.Namespace, kind)
		set.all = append(set.all, r)
	}
}

// revisionsOf returns the revisions of what p names.
func (ix *index) revisionsOf(p *parent, namespace string, kind resource) *revisions {
	set := ix.revisions[p.uid]
	if set == nil {
		set = &revisions{namespace: ix.one(namespace), of: p, kind: kind}
		ix.revisions[p.uid] = set
	}
	return set
}

// addRevision keeps a ControllerRevision.
func (ix *index) addRevision(m *metav1.ObjectMeta, number int64, data []byte) {
	of := ix.controllerOf(m.OwnerReferences)
	if of == nil {
		return // what it is of is gone
	}
	name := "ControllerRevision " + m.Name
	set := ix.revisionsOf(of, m.Namespace, controllerRevisions)
	if slices.ContainsFunc(set.all, func(r *revision) bool { return r.name == name }) {
		return // it comes again
	}
	r := &revision{name: ix.one(name), number: number, hash: ix.one(m.Name)}
	if h := m.Labels[controllerRevisionHash]; h != "" {
		r.hash = ix.one(h) // a DaemonSet's pods carry the hash, a StatefulSet's the name
	}
	r.template, r.err = ix.patchTemplate(data)
	set.all = append(set.all, r)
}

// newest returns the revision that pods are made of now; nil if that is not
// known. A nil set knows nothing.
func (set *revisions) newest() *revision {
	if set == nil {
		return nil
	}
	var newest *revision
	for _, r := range set.all {
		if r.number == 0 {
			return nil
		}
		if newest == nil || r.number > newest.number {
			newest = r
		}
	}
	return newest
}

// builtin are the kinds that are listed before pods are.
var builtin = map[string]resource{
	"v1/ReplicationController": controllers,
	"apps/v1/Deployment":       deployments,
	"apps/v1/ReplicaSet":       replicaSets,
	"apps/v1/StatefulSet":      statefulSets,
	"apps/v1/DaemonSet":        daemonSets,
	"batch/v1/Job":             jobs,
	"batch/v1/CronJob":         cronJobs,
}

// keeps reports the kinds that keep a template and roll it out: what people call
// the workload, whoever made it in turn.
func (p *parent) keeps() bool {
	switch p.apiVersion + "/" + p.kind {
	case "apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet", "batch/v1/CronJob":
		return true
	}
	return false
}

// find returns what p names, asking for it if it was not listed: it may be newer
// than the list, or of a kind that is not built in. If it cannot be had, why says
// why.
func (v *observation) find(ctx context.Context, namespace string, p *parent) (o *owner, why string) {
	ix := v.index
	if o := ix.owners[p.uid]; o != nil {
		return o, ""
	}
	if why := ix.gone[p.uid]; why != "" {
		return nil, why
	}
	err := v.ask(ctx, namespace, p)
	if o := ix.owners[p.uid]; o != nil {
		return o, ""
	}
	why = fmt.Sprintf("its %s %q is gone", p.kind, p.name)
	if err != nil && !isNotFound(err) {
		why = fmt.Sprintf("its %s %q is not known: %v", p.kind, p.name, err)
	}
	if ctx.Err() == nil {
		ix.gone[p.uid] = why
	}
	return nil, why
}
