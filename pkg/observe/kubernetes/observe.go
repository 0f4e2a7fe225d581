package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// Observe implements [observe.Observer]. What is not seen of pods is a Gap where
// others were seen, and an error where none was, or where the server was lost.
func (o *Observer) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	v := o.observation()
	version, err := o.version(ctx)
	if err != nil {
		return v.inventory(o.name, ""), err
	}
	scopes, err := v.scopes(ctx, o.namespace)
	if err == nil {
		v.surroundings(ctx, scopes)
		err = v.listPods(ctx, scopes, yield)
	}
	var histories []observe.History
	if err == nil {
		histories = v.histories(ctx, scopes)
	}
	inv := v.inventory(o.name, version)
	inv.Histories = histories
	if ctx.Err() != nil { // whatever came of it: it is not whole
		err = o.c.fail(ctx, "observe", "cluster "+o.name, "", context.Cause(ctx))
	}
	return inv, err
}

// version asks the server what it is, which everybody may. Only a server that
// cannot be reached at all is an error.
func (o *Observer) version(ctx context.Context) (string, error) {
	var v versionInfo
	err := o.c.fetch(ctx, request{path: "/version", accept: acceptJSON}, "", false, &v)
	var s *statusError
	if err == nil || errors.As(err, &s) || errors.Is(err, errProtocol) {
		return v.GitVersion, nil
	}
	return "", o.c.fail(ctx, "reach", "cluster "+o.name, "", err)
}

// versionInfo has no kind and no protobuf form.
type versionInfo struct {
	GitVersion string `json:"gitVersion"`
}

// Unmarshal is of protobuf, in which it does not come.
func (*versionInfo) Unmarshal([]byte) error { return errProtocol }

// scopes returns the namespaces that are listed one by one, or "" for all at
// once. Those whose pods may not be listed are gaps.
func (v *observation) scopes(ctx context.Context, home string) ([]string, error) {
	if len(v.o.Namespaces) > 0 {
		return v.allowed(ctx, slices.Compact(slices.Sorted(slices.Values(v.o.Namespaces))))
	}
	err := v.probe(ctx, "")
	if err == nil {
		v.whole = true
		return []string{""}, nil
	}
	if image.CauseOf(err) != fact.Forbidden {
		return nil, err
	}
	// Not all at once; then what is allowed of all that there are.
	var all []string
	listed := listAll(ctx, v.c, query{resource: namespaces, metadata: true}, func(m *metav1.PartialObjectMetadata) { all = append(all, m.Name) })
	if listed == nil {
		return v.allowed(ctx, all)
	}
	hint := image.HintOf(err) + "; or name namespaces with --namespace"
	if home == "" || image.CauseOf(listed) != fact.Forbidden || v.probe(ctx, home) != nil {
		return nil, &image.Error{Op: "list", Object: "pods of all namespaces", Cause: fact.Forbidden, Err: errors.New(bare(err)), Hint: hint}
	}
	v.gapOf(fmt.Sprintf("pods of all namespaces but %q", home), fact.Forbidden, bare(err), hint)
	return []string{home}, nil
}

// probe asks for one pod.
func (v *observation) probe(ctx context.Context, namespace string) error {
	q := query{resource: pods, namespace: namespace, limit: 1, single: true}
	_, err := v.c.page(ctx, q, "", v.c.ahead(ctx, v.c.pageOf(q, "")), func([]byte, bool) error { return nil })
	return v.c.fail(ctx, "list", q.of(namespace), q.need("list", namespace), err)
}

// allowed returns those of names whose pods may be listed. None is an error.
func (v *observation) allowed(ctx context.Context, names []string) ([]string, error) {
	errs := make([]error, len(names))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, name := range names {
		g.Go(func() error {
			errs[i] = v.probe(ctx, name)
			return nil
		})
	}
	_ = g.Wait() // what failed is in errs
	var out []string
	for i, name := range names {
		if errs[i] == nil {
			out = append(out, name)
			continue
		}
		v.gap(pods.of(name), errs[i])
	}
	if len(out) == 0 && len(names) > 0 {
		return nil, errs[0]
	}
	return out, nil
}

// atOnce is how many lists are asked for at a time.
const atOnce = 4

// surroundings learns what containers are told apart by before pods are listed:
// nodes, owners, and what configures them.
func (v *observation) surroundings(ctx context.Context, scopes []string) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	one := func(r resource, namespace string, list func(context.Context, string) error) {
		g.Go(func() error {
			if err := list(ctx, namespace); err != nil && ctx.Err() == nil {
				v.without(r, namespace, err)
			}
			return nil
		})
	}
	one(nodes, "", v.listNodes)
	if len(v.o.Team) > 0 {
		g.Go(func() error { v.listTeams(ctx, scopes); return nil })
	}
	for _, s := range scopes {
		one(replicaSets, s, listInto(v, replicaSets, v.index.replicaSet))
		one(controllers, s, listInto(v, controllers, v.index.replicationController))
		one(statefulSets, s, listInto(v, statefulSets, v.index.statefulSet))
		one(controllerRevisions, s, listInto(v, controllerRevisions, v.index.controllerRevision))
		one(jobs, s, listInto(v, jobs, v.index.job))
		one(cronJobs, s, listInto(v, cronJobs, v.index.cronJob))
		for _, r := range []resource{deployments, daemonSets} {
			one(r, s, listMetadata(v, r))
		}
		if v.o.ConfigMaps {
			one(configMaps, s, v.listConfigMaps)
		}
		if v.o.Secrets {
			one(secrets, s, v.listSecrets)
		}
	}
	_ = g.Wait() // what failed is a gap
}

// listInto lists objects of r and keeps them under the lock.
func listInto[T any, P interface {
	*T
	message
}](v *observation, r resource, keep func(P)) func(context.Context, string) error {
	return func(ctx context.Context, namespace string) error {
		return listAll(ctx, v.c, query{resource: r, namespace: namespace}, func(x P) {
			v.mu.Lock()
			defer v.mu.Unlock()
			keep(x)
		})
	}
}

// listMetadata is for owners of which only names, labels and owners count.
func listMetadata(v *observation, r resource) func(context.Context, string) error {
	keep := v.index.metadata(r.kind)
	return func(ctx context.Context, namespace string) error {
		return listAll(ctx, v.c, query{resource: r, namespace: namespace, metadata: true}, func(x *metav1.PartialObjectMetadata) {
			v.mu.Lock()
			defer v.mu.Unlock()
			keep(x)
		})
	}
}

func (v *observation) listNodes(ctx context.Context, _ string) error {
	return listAll(ctx, v.c, query{resource: nodes}, func(x *corev1.Node) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.nodes[v.index.one(x.Name)] = v.nodeOf(x)
	})
}

// listTeams reads the labels of namespaces. Where that is forbidden teams are
// looked for elsewhere only; nothing is judged by them.
func (v *observation) listTeams(ctx context.Context, scopes []string) {
	keep := func(m *metav1.PartialObjectMetadata) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.teams[v.index.one(m.Name)] = v.index.teamOf(namespaces.kind, &m.ObjectMeta)
	}
	err := listAll(ctx, v.c, query{resource: namespaces, metadata: true}, keep)
	if image.CauseOf(err) == fact.Forbidden && !v.whole {
		for _, s := range scopes {
			var m metav1.PartialObjectMetadata
			if err = v.c.get(ctx, namespaces, "", s, true, &m); err != nil {
				break
			}
			keep(&m)
		}
	}
	v.noTeams = err != nil && ctx.Err() == nil
}

// listPods yields the containers of all pods of scopes, page by page.
func (v *observation) listPods(ctx context.Context, scopes []string, yield func(observe.Container)) error {
	var first error
	for _, s := range scopes {
		before := v.counts.pods
		err := v.listPodsOf(ctx, s, yield)
		if err == nil && s != "" && v.counts.pods == before {
			err = v.exists(ctx, s)
		}
		if err == nil {
			continue
		}
		if image.CauseOf(err) == fact.Network || ctx.Err() != nil {
			return err
		}
		v.gap(pods.of(s), err)
		if first == nil {
			first = err
		}
	}
	if v.counts.pods == 0 {
		return first
	}
	return nil
}

// batches is how many pages' worth of containers are held back before they are
// yielded, while an answer comes in that is longer than it was asked to be.
const batches = 8

func (v *observation) listPodsOf(ctx context.Context, namespace string, yield func(observe.Container)) error {
	var batch []observe.Container
	flush := func() {
		for _, c := range batch {
			if ctx.Err() != nil {
				break
			}
			v.counts.containers++
			yield(c)
		}
		clear(batch)
		batch = batch[:0]
	}
	// Whoever takes the containers may take their time; the answer is read first.
	q := query{resource: pods, namespace: namespace, labels: v.o.Selector, read: flush}
	return listAll(ctx, v.c, q, func(x *corev1.Pod) {
		batch = v.pod(ctx, batch, x)
		if len(batch) >= batches*v.o.PageSize {
			flush()
		}
	})
}

// exists checks that a namespace without pods is there at all: the API server
// lists what is not as nothing.
func (v *observation) exists(ctx context.Context, namespace string) error {
	var m metav1.PartialObjectMetadata
	return v.c.get(ctx, namespaces, "", namespace, true, &m)
}
