package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

func isNotFound(err error) bool { return image.CauseOf(err) == fact.NotFound }

// ask gets the one object that p names into the index.
func (v *observation) ask(ctx context.Context, namespace string, p *parent) error {
	r, ok := builtin[p.apiVersion+"/"+p.kind]
	if !ok {
		return v.askCustom(ctx, namespace, p)
	}
	if err := v.index.failed[r]; err != nil {
		return fmt.Errorf("%s could not be listed: %w", r.plural(), err)
	}
	ix := v.index
	switch r {
	case replicaSets:
		return getOne(ctx, v.c, r, namespace, p.name, func(x *appsv1.ReplicaSet) { ix.replicaSet(x) })
	case controllers:
		return getOne(ctx, v.c, r, namespace, p.name, func(x *corev1.ReplicationController) { ix.replicationController(x) })
	case statefulSets:
		return getOne(ctx, v.c, r, namespace, p.name, func(x *appsv1.StatefulSet) { ix.statefulSet(x) })
	case jobs:
		return getOne(ctx, v.c, r, namespace, p.name, func(x *batchv1.Job) { ix.job(x) })
	case cronJobs:
		return getOne(ctx, v.c, r, namespace, p.name, func(x *batchv1.CronJob) { ix.cronJob(x) })
	}
	return v.askMetadata(ctx, r, namespace, p)
}

func getOne[T any, P interface {
	*T
	message
}](ctx context.Context, c *client, r resource, namespace, name string, keep func(P)) error {
	var x T
	if err := c.get(ctx, r, namespace, name, false, P(&x)); err != nil {
		return err
	}
	keep(P(&x))
	return nil
}

func (v *observation) askMetadata(ctx context.Context, r resource, namespace string, p *parent) error {
	var m metav1.PartialObjectMetadata
	if err := v.c.get(ctx, r, namespace, p.name, true, &m); err != nil {
		return err
	}
	v.index.add(v.index.one(p.kind), &m.ObjectMeta)
	return nil
}

// A spot is a kind of custom resource in a namespace, "" = all.
type spot struct {
	resource  resource
	namespace string
}

// listAfter is how many custom resources of one kind in one spot are asked for
// one by one before all are.
const listAfter = 16

// askCustom is for owners of kinds that are not built in: only what owns them in
// turn is of interest.
func (v *observation) askCustom(ctx context.Context, namespace string, p *parent) error {
	r, err := v.discover(ctx, p.apiVersion, p.kind)
	if err != nil {
		return err
	}
	at := spot{r, namespace}
	if r.cluster || v.whole {
		at.namespace = ""
	}
	if err := v.refused[at]; err != nil {
		return err
	}
	switch v.asked[at]++; {
	case v.asked[at] < listAfter:
		err = v.askMetadata(ctx, r, namespace, p)
	case v.asked[at] == listAfter:
		err = listAll(ctx, v.c, query{resource: r, namespace: at.namespace, metadata: true}, v.index.metadata(v.index.one(p.kind)))
	}
	if image.CauseOf(err) == fact.Forbidden {
		v.refused[at] = err
	}
	return err
}

// discover asks how a kind of resource is called in URLs.
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-discovery
func (v *observation) discover(ctx context.Context, apiVersion, kind string) (resource, error) {
	key := apiVersion + "/" + kind
	if r, ok := v.kinds[key]; ok {
		if r.name == "" {
			return r, &image.Error{Op: "discover", Object: fmt.Sprintf("%q of %q", kind, apiVersion), Cause: fact.NotFound, Err: errors.New("the server does not have it")}
		}
		return r, nil
	}
	path := "/apis/" + apiVersion
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		path, group, version = "/api/"+apiVersion, "", apiVersion
	}
	if !plainName(group, version) {
		return resource{}, &image.Error{Op: "discover", Object: fmt.Sprintf("%q", apiVersion), Cause: fact.NotFound, Err: errors.New("it is no version of an API")}
	}
	var list metav1.APIResourceList // as JSON: it has no other form that is stable
	err := v.c.fail(ctx, "discover", fmt.Sprintf("resources of %q", apiVersion), "", v.c.fetch(ctx, request{path: path, accept: acceptJSON}, "APIResourceList", false, &list))
	if err != nil && !isNotFound(err) {
		return resource{}, err
	}
	v.kinds[key] = resource{}
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") {
			v.kinds[apiVersion+"/"+r.Kind] = resource{group, version, r.Name, r.Kind, !r.Namespaced}
		}
	}
	return v.discover(ctx, apiVersion, kind)
}

// plainName reports parts of a URL that stay what they are in it.
func plainName(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(s string) bool { return s == "." || s == ".." || strings.ContainsAny(s, "/%?#\\") })
}
