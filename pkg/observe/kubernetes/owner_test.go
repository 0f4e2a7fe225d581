package kubernetes

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// see observes f and returns what was yielded, by pod and container.
func see(t *testing.T, f *fake, o Options) (map[string]observe.Container, observe.Inventory) {
	t.Helper()
	all, inv, err := seeAll(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return all, inv
}

func seeAll(t *testing.T, f *fake, o Options) (map[string]observe.Container, observe.Inventory, error) {
	t.Helper()
	all := map[string]observe.Container{}
	inv, err := f.open(o).Observe(t.Context(), func(c observe.Container) {
		key := fmt.Sprintf("%s/%s", c.Pod, c.Spec.Container.Name)
		if _, twice := all[key]; twice {
			t.Errorf("%s is yielded twice", key)
		}
		all[key] = c
	})
	return all, inv, err
}

// gaps are what is missing, in one line each.
func gaps(inv observe.Inventory) []string {
	var out []string
	for _, g := range inv.Gaps {
		out = append(out, fmt.Sprintf("%s: %s", g.What, g.Cause))
	}
	return out
}

func wantGaps(t *testing.T, inv observe.Inventory, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, gaps(inv)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s\n%+v", diff, inv.Gaps)
	}
}

// What is told of the pods' makers.
type madeBy struct {
	Kind, Name, Template string
	Current              fact.Tri
	Team                 string
	Image                string // in the template
	NoTemplate           string // a part of it
	Injected             bool
}

func madeOf(c observe.Container) madeBy {
	d := c.Spec.Container
	return madeBy{c.Workload.Kind, c.Workload.Name, c.Workload.Template, c.Workload.Current, c.Workload.Team, d.Template, d.NoTemplate, d.Injected}
}

const appImage, appImageID = "ghcr.io/acme/app:1", "ghcr.io/acme/app@sha256:0000000000000000000000000000000000000000000000000000000000000000"

func appPod(name string, labels map[string]string) *corev1.Pod {
	p := runningPod("shop", name, "app", appImage, appImageID)
	p.Labels = labels
	return p
}

func controllerRevision(namespace, kind, of, name string, number int64, image string, labels map[string]string) *appsv1.ControllerRevision {
	cr := &appsv1.ControllerRevision{ObjectMeta: meta(namespace, name, nil, labels), Revision: number}
	cr.Data.Raw = []byte(fmt.Sprintf(`{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"app","image":%q}]}}}}`, image))
	return owned(cr, "apps/v1", kind, of, uid(kind+"/"+namespace+"/"+of))
}

func job(name, image string) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: meta("shop", name, nil, nil), Spec: batchv1.JobSpec{Template: templateOf(image)}}
}

func TestMakers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	// A Deployment that rolls out.
	f.add(deployments, &appsv1.Deployment{ObjectMeta: meta("shop", "web", map[string]string{ArgoTrackingID: "storefront:apps/Deployment:shop/web"}, nil)})
	f.add(replicaSets, replicaSet("shop", "web", "aaa", 1, "ghcr.io/acme/app:0"), replicaSet("shop", "web", "bbb", 2, appImage))
	old, now := appPod("web-aaa-1", map[string]string{podTemplateHash: "aaa"}), appPod("web-bbb-1", map[string]string{podTemplateHash: "bbb"})
	now.Spec.Containers = append(now.Spec.Containers, corev1.Container{Name: "istio-proxy", Image: "istio/proxyv2:1.24"})
	f.add(pods, owned(old, "apps/v1", "ReplicaSet", "web-aaa", uid("ReplicaSet/shop/web-aaa")),
		owned(now, "apps/v1", "ReplicaSet", "web-bbb", uid("ReplicaSet/shop/web-bbb")))
	// A StatefulSet whose pod web-0 waits for its turn, and a DaemonSet.
	f.add(statefulSets, &appsv1.StatefulSet{ObjectMeta: meta("shop", "db", nil, nil), Status: appsv1.StatefulSetStatus{CurrentRevision: "db-old", UpdateRevision: "db-new"}})
	f.add(daemonSets, &appsv1.DaemonSet{ObjectMeta: meta("shop", "log", nil, nil)})
	f.add(controllerRevisions, controllerRevision("shop", "StatefulSet", "db", "db-old", 1, "ghcr.io/acme/app:0", nil),
		controllerRevision("shop", "StatefulSet", "db", "db-new", 2, appImage, nil),
		controllerRevision("shop", "DaemonSet", "log", "log-1a", 7, appImage, map[string]string{controllerRevisionHash: "1a"}))
	f.add(pods, owned(appPod("db-0", map[string]string{controllerRevisionHash: "db-old"}), "apps/v1", "StatefulSet", "db", uid("StatefulSet/shop/db")),
		owned(appPod("db-1", map[string]string{controllerRevisionHash: "db-new"}), "apps/v1", "StatefulSet", "db", uid("StatefulSet/shop/db")),
		owned(appPod("log-x", map[string]string{controllerRevisionHash: "1a"}), "apps/v1", "DaemonSet", "log", uid("DaemonSet/shop/log")))
	// Jobs of a CronJob: one of its template of now, one of a former.
	cron := &batchv1.CronJob{ObjectMeta: meta("shop", "nightly", nil, nil)}
	cron.Spec.JobTemplate.Spec.Template = templateOf(appImage)
	f.add(cronJobs, cron)
	for name, i := range map[string]string{"nightly-1": "ghcr.io/acme/app:0", "nightly-2": appImage} {
		f.add(jobs, owned(job(name, i), "batch/v1", "CronJob", "nightly", uid("CronJob/shop/nightly")))
		f.add(pods, owned(appPod(name+"-x", nil), "batch/v1", "Job", name, uid("Job/shop/"+name)))
	}
	f.add(jobs, job("once", appImage))
	f.add(pods, owned(appPod("once-x", nil), "batch/v1", "Job", "once", uid("Job/shop/once")))
	// An Argo Rollout, and what a kind that nobody knows has made.
	f.add(rollouts, &metav1.PartialObjectMetadata{ObjectMeta: meta("shop", "canary", nil, map[string]string{"team": "checkout"})})
	rs := owned(replicaSet("shop", "canary", "ccc", 3, appImage), "argoproj.io/v1alpha1", "Rollout", "canary", uid("Rollout/shop/canary"))
	rs.Labels, rs.Annotations = map[string]string{rolloutTemplateHash: "ccc"}, map[string]string{"rollout.argoproj.io/revision": "3"}
	f.add(replicaSets, rs)
	f.add(pods, owned(appPod("canary-x", nil), "apps/v1", "ReplicaSet", "canary-ccc", uid("ReplicaSet/shop/canary-ccc")),
		owned(appPod("kafka-0", nil), "core.strimzi.io/v1beta2", "StrimziPodSet", "kafka", uid("StrimziPodSet/shop/kafka")))
	// A ReplicationController of OpenShift, a pod of its own, a static pod, a pod
	// whose maker is gone.
	rc := &corev1.ReplicationController{ObjectMeta: meta("shop", "legacy-4", map[string]string{"openshift.io/deployment-config.latest-version": "4"}, nil)}
	tmpl := templateOf(appImage)
	rc.Spec.Template = &tmpl
	f.add(controllers, owned(rc, "apps.openshift.io/v1", "DeploymentConfig", "legacy", uid("dc")))
	static := appPod("static-n1", nil)
	static.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	f.add(pods, owned(appPod("legacy-x", nil), "v1", "ReplicationController", "legacy-4", uid("ReplicationController/shop/legacy-4")),
		appPod("alone", map[string]string{"team": "pay"}), owned(static, "v1", "Node", "n1", uid("n1")),
		owned(appPod("orphan", nil), "apps/v1", "ReplicaSet", "deleted-ddd", uid("ReplicaSet/shop/deleted-ddd")))
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})

	got, inv := see(t, f, Options{Team: []string{"team", ArgoTrackingID}})
	wantGaps(t, inv)
	want := map[string]madeBy{
		"web-aaa-1/app":         {Kind: "Deployment", Name: "web", Template: "aaa", Current: fact.No, Team: "storefront", Image: "ghcr.io/acme/app:0"},
		"web-bbb-1/app":         {Kind: "Deployment", Name: "web", Template: "bbb", Current: fact.Yes, Team: "storefront", Image: appImage},
		"web-bbb-1/istio-proxy": {Kind: "Deployment", Name: "web", Template: "bbb", Current: fact.Yes, Team: "storefront", Injected: true},
		"db-0/app":              {Kind: "StatefulSet", Name: "db", Template: "db-old", Current: fact.No, Image: "ghcr.io/acme/app:0"},
		"db-1/app":              {Kind: "StatefulSet", Name: "db", Template: "db-new", Current: fact.Yes, Image: appImage},
		"log-x/app":             {Kind: "DaemonSet", Name: "log", Template: "1a", Current: fact.Yes, Image: appImage},
		"nightly-1-x/app":       {Kind: "CronJob", Name: "nightly", Template: "template", Current: fact.No, Image: "ghcr.io/acme/app:0"},
		"nightly-2-x/app":       {Kind: "CronJob", Name: "nightly", Template: "template", Current: fact.Yes, Image: appImage},
		"once-x/app":            {Kind: "Job", Name: "once", Image: appImage},
		"canary-x/app":          {Kind: "Rollout", Name: "canary", Template: "ccc", Current: fact.Yes, Team: "checkout", Image: appImage},
		"kafka-0/app":           {Kind: "StrimziPodSet", Name: "kafka", NoTemplate: "a StrimziPodSet has no template that is known"},
		"legacy-x/app":          {Kind: "DeploymentConfig", Name: "legacy", Template: "legacy-4", Current: fact.Yes, Image: appImage},
		"alone/app":             {Team: "pay"},
		"static-n1/app":         {},
		"orphan/app":            {Kind: "ReplicaSet", Name: "deleted-ddd", NoTemplate: `its ReplicaSet "deleted-ddd" is gone`},
	}
	seen := map[string]madeBy{}
	for key, c := range got {
		m := madeOf(c)
		if strings.HasPrefix(m.Template, "template ") {
			m.Template = "template"
		}
		seen[key] = m
		if c.Spec.Container.Static != (key == "static-n1/app") || c.Spec.Container.Owner != m.Kind {
			t.Errorf("%s: static %v, owner %q", key, c.Spec.Container.Static, c.Spec.Container.Owner)
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("makers (-want +got):\n%s", diff)
	}
	if a, b := got["nightly-1-x/app"].Workload.Template, got["nightly-2-x/app"].Workload.Template; a == b {
		t.Errorf("two templates of a CronJob have one name %q", a)
	}
}

// What was made after the lists were read is asked for by name.
func TestMakersThatAreNewer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	add := func() {
		f.add(replicaSets, replicaSet("shop", "web", "bbb", 2, appImage))
		f.add(statefulSets, &appsv1.StatefulSet{ObjectMeta: meta("shop", "db", nil, nil), Status: appsv1.StatefulSetStatus{UpdateRevision: "db-new"}})
		f.add(jobs, owned(job("nightly-2", appImage), "batch/v1", "CronJob", "nightly", uid("CronJob/shop/nightly")))
		cron := &batchv1.CronJob{ObjectMeta: meta("shop", "nightly", nil, nil)}
		cron.Spec.JobTemplate.Spec.Template = templateOf(appImage)
		f.add(cronJobs, cron)
		rc := &corev1.ReplicationController{ObjectMeta: meta("shop", "rc", nil, nil)}
		tmpl := templateOf(appImage)
		rc.Spec.Template = &tmpl
		f.add(controllers, rc)
		f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil), Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "arm64"}}})
	}
	f.add(pods, owned(appPod("web-bbb-1", nil), "apps/v1", "ReplicaSet", "web-bbb", uid("ReplicaSet/shop/web-bbb")),
		owned(appPod("db-1", map[string]string{controllerRevisionHash: "db-new"}), "apps/v1", "StatefulSet", "db", uid("StatefulSet/shop/db")),
		owned(appPod("nightly-2-x", nil), "batch/v1", "Job", "nightly-2", uid("Job/shop/nightly-2")),
		owned(appPod("rc-x", nil), "v1", "ReplicationController", "rc", uid("ReplicationController/shop/rc")))
	f.before = func(c call) {
		if c.resource == "pods" && c.query.Get("limit") != "1" {
			add()
			f.before = nil
		}
	}
	got, inv := see(t, f, Options{})
	wantGaps(t, inv)
	want := map[string]madeBy{
		"web-bbb-1/app":   {Kind: "Deployment", Name: "web", Template: "bbb", Current: fact.Yes, Image: appImage},
		"db-1/app":        {Kind: "StatefulSet", Name: "db", Template: "db-new", Current: fact.Yes, NoTemplate: `its ControllerRevision "db-new" is gone`},
		"nightly-2-x/app": {Kind: "CronJob", Name: "nightly", Template: got["nightly-2-x/app"].Workload.Template, Current: fact.Yes, Image: appImage},
		"rc-x/app":        {Kind: "ReplicationController", Name: "rc", Image: appImage},
	}
	seen := map[string]madeBy{}
	for key, c := range got {
		seen[key] = madeOf(c)
		if p := c.Spec.Container.Platform; p.Architecture != "arm64" {
			t.Errorf("%s: platform %v", key, p)
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("makers (-want +got):\n%s", diff)
	}
}
