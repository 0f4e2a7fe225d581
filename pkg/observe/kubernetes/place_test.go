package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// town is three namespaces with a pod in each, and an empty one.
func town(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	for _, n := range []string{"pay", "shop", "web"} {
		f.add(pods, runningPod(n, n+"-1", "app", appImage, appImageID))
		f.add(namespaces, &corev1.Namespace{ObjectMeta: meta("", n, nil, map[string]string{"team": "team-" + n})})
	}
	f.add(namespaces, &corev1.Namespace{ObjectMeta: meta("", "empty", nil, nil)})
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	return f
}

func TestWhatIsForbidden(t *testing.T) {
	t.Parallel()
	all := func(c call) bool { return c.namespace == "" && c.resource != "nodes" }
	tests := []struct {
		name string
		o    Options
		home string
		deny func(call) bool
		seen []string
		gaps []string
		hint string // of the first gap or the error
		err  fact.Cause
	}{
		{name: "nothing", seen: []string{"pay-1/app", "shop-1/app", "web-1/app"}},
		{name: "all_at_once", deny: func(c call) bool { return all(c) && c.resource != "namespaces" }, seen: []string{"pay-1/app", "shop-1/app", "web-1/app"}},
		{name: "one_namespace", deny: func(c call) bool {
			return all(c) && c.resource != "namespaces" || c.namespace == "pay" && c.resource == "pods"
		},
			seen: []string{"shop-1/app", "web-1/app"}, gaps: []string{`pods of namespace "pay": forbidden`}, hint: `grant list on pods in namespace "pay"; see deploy/rbac.yaml`},
		{name: "all_but_home", home: "shop", deny: func(c call) bool { return all(c) || c.namespace != "shop" && c.resource == "pods" },
			seen: []string{"shop-1/app"}, gaps: []string{`pods of all namespaces but "shop": forbidden`}, hint: "grant list on pods; see deploy/rbac.yaml; or name namespaces with --namespace"},
		{name: "everything", home: "shop", deny: func(call) bool { return true }, err: fact.Forbidden, hint: "grant list on pods; see deploy/rbac.yaml"},
		{name: "named_namespaces", o: Options{Namespaces: []string{"web", "shop", "web"}}, deny: all, seen: []string{"shop-1/app", "web-1/app"}},
		{name: "a_named_one", o: Options{Namespaces: []string{"shop", "pay"}}, deny: func(c call) bool { return c.namespace == "pay" },
			seen: []string{"shop-1/app"}, gaps: []string{`pods of namespace "pay": forbidden`}, hint: `grant list on pods in namespace "pay"`},
		{name: "all_named_ones", o: Options{Namespaces: []string{"shop", "pay"}}, deny: func(c call) bool { return c.namespace != "" }, err: fact.Forbidden, gaps: []string{`pods of namespace "pay": forbidden`, `pods of namespace "shop": forbidden`}},
		{name: "a_typing_error", o: Options{Namespaces: []string{"shop", "shpo"}}, seen: []string{"shop-1/app"}, gaps: []string{`pods of namespace "shpo": not-found`}},
		{name: "only_a_typing_error", o: Options{Namespaces: []string{"shpo"}}, err: fact.NotFound, gaps: []string{`pods of namespace "shpo": not-found`}},
		{name: "an_empty_namespace", o: Options{Namespaces: []string{"empty"}}},
		{name: "an_empty_one_that_may_not_be_there", o: Options{Namespaces: []string{"empty", "shop"}}, deny: func(c call) bool { return c.resource == "namespaces" },
			seen: []string{"shop-1/app"}, gaps: []string{`pods of namespace "empty": forbidden`}, hint: "grant get on namespaces"},
		{name: "nodes", deny: func(c call) bool { return c.resource == "nodes" }, seen: []string{"pay-1/app", "shop-1/app", "web-1/app"},
			gaps: []string{"nodes: forbidden"}, hint: "grant list on nodes"},
		{name: "jobs_of_some", o: Options{Namespaces: []string{"pay", "shop", "web"}}, deny: func(c call) bool { return c.resource == "jobs" && c.namespace != "web" },
			seen: []string{"pay-1/app", "shop-1/app", "web-1/app"}, gaps: []string{`Jobs of 2 namespaces (pay, shop): forbidden`}, hint: `grant list on jobs.batch in these namespaces`},
		{name: "jobs_of_one", o: Options{Namespaces: []string{"pay", "shop", "web"}}, deny: func(c call) bool { return c.resource == "jobs" && c.namespace == "pay" },
			seen: []string{"pay-1/app", "shop-1/app", "web-1/app"}, gaps: []string{`Jobs of namespace "pay": forbidden`}, hint: `grant list on jobs.batch in namespace "pay"`},
		{name: "owners", deny: func(c call) bool { return c.group != "" || c.resource == "replicationcontrollers" }, seen: []string{"pay-1/app", "shop-1/app", "web-1/app"},
			gaps: []string{"ControllerRevisions: forbidden", "CronJobs: forbidden", "DaemonSets: forbidden", "Deployments: forbidden", "Jobs: forbidden",
				"ReplicaSets: forbidden", "ReplicationControllers: forbidden", "StatefulSets: forbidden"}, hint: "grant list on controllerrevisions.apps"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := town(t)
			f.deny = tt.deny
			o := f.open(tt.o)
			o.namespace = tt.home
			var seen []string
			inv, err := o.Observe(t.Context(), func(c observe.Container) { seen = append(seen, c.Pod+"/"+c.Spec.Container.Name) })
			if tt.err == "" && err != nil || tt.err != "" && image.CauseOf(err) != tt.err {
				t.Errorf("error %v with cause %q, want %q", err, image.CauseOf(err), tt.err)
			}
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
			wantGaps(t, inv, tt.gaps...)
			hint := image.HintOf(err)
			if len(inv.Gaps) > 0 {
				hint = inv.Gaps[0].Hint
			}
			if !strings.Contains(hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", hint, tt.hint)
			}
		})
	}
}

// What is not known for want of rights is said of each container, and what it
// takes once.
func TestWithoutReplicaSets(t *testing.T) {
	t.Parallel()
	f := shop(t, 3)
	for _, p := range f.objects[pods] {
		owned(p, "apps/v1", "ReplicaSet", "web-aaa", uid("ReplicaSet/shop/web-aaa"))
		p.SetLabels(map[string]string{podTemplateHash: "aaa"})
	}
	f.deny = func(c call) bool { return c.resource == "replicasets" }
	got, inv := see(t, f, Options{})
	wantGaps(t, inv, "ReplicaSets: forbidden")
	for key, c := range got {
		m := madeOf(c)
		if m.Kind != "ReplicaSet" || m.Name != "web-aaa" || m.Template != "aaa" || m.Current != fact.TriUnknown || !strings.Contains(m.NoTemplate, "ReplicaSets could not be listed") {
			t.Errorf("%s is made by %+v", key, m)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	f := town(t)
	two := runningPod("shop", "two", "app", appImage, appImageID)
	two.Spec.InitContainers = []corev1.Container{{Name: "init", Image: "x"}}
	f.add(pods, two)
	_, inv := see(t, f, Options{})
	want := []observe.Count{{What: "pods", N: 4}, {What: "containers", N: 5}, {What: "nodes", N: 1}, {What: "namespaces", N: 3}}
	if diff := cmp.Diff(want, inv.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if inv.Kind != "kubernetes" || inv.Name != "test" || inv.Version != "v1.34.2" {
		t.Errorf("inventory of %s %q %q", inv.Kind, inv.Name, inv.Version)
	}
}

func TestNotAsked(t *testing.T) {
	t.Parallel()
	f := town(t)
	f.add(pods, owned(appPod("canary", nil), "argoproj.io/v1alpha1", "Rollout", "canary", uid("Rollout/shop/canary")))
	f.deny = func(c call) bool { return c.group == "argoproj.io" || c.resource == "namespaces" }
	names := func(inv observe.Inventory) (out []string) {
		for _, c := range inv.NotAsked {
			out = append(out, c.What+": "+c.How)
		}
		return out
	}
	_, inv := see(t, f, Options{Team: []string{"team"}})
	want := []string{"former revisions of Helm releases: --helm-releases", "the pods' pull secrets: --pull-secrets",
		"whether ConfigMaps are immutable: --config-maps", "whether Secrets are immutable: --secrets",
		"what owns custom resources: grant get and list on rollouts.argoproj.io", "teams that namespaces are labelled with: grant get and list on namespaces"}
	if diff := cmp.Diff(want, names(inv)); diff != "" {
		t.Errorf("not asked (-want +got):\n%s", diff)
	}
	wantGaps(t, inv)
	f.deny = nil
	_, inv = see(t, f, Options{HelmReleases: true, PullSecrets: true, ConfigMaps: true, Secrets: true})
	if len(inv.NotAsked) > 0 {
		t.Errorf("everything is asked for, and not %+v", inv.NotAsked)
	}
}

func TestTeams(t *testing.T) {
	t.Parallel()
	f := town(t)
	own := appPod("own", map[string]string{"team": "mine"})
	annotated := appPod("annotated", nil)
	annotated.Annotations = map[string]string{"team": "noted"}
	copied := appPod("copied", nil)
	copied.Annotations = map[string]string{ArgoTrackingID: "other:apps/Deployment:shop/web"}
	f.add(pods, own, annotated, copied)
	for _, deny := range []bool{false, true} {
		f.deny = func(c call) bool { return deny && c.resource == "namespaces" && c.verb == "list" }
		got, inv := see(t, f, Options{Team: []string{ArgoTrackingID, "team"}, Namespaces: []string{"pay", "shop"}})
		wantGaps(t, inv)
		for key, want := range map[string]string{"own/app": "mine", "annotated/app": "noted", "copied/app": "team-shop", "pay-1/app": "team-pay"} {
			if got[key].Workload.Team != want {
				t.Errorf("%s is of team %q, want %q", key, got[key].Workload.Team, want)
			}
		}
	}
	got, _ := see(t, f, Options{})
	if got["own/app"].Workload.Team != "" {
		t.Errorf("team %q, and none is asked for", got["own/app"].Workload.Team)
	}
}

func TestNodes(t *testing.T) {
	t.Parallel()
	d1, d2 := digest("one"), digest("two")
	f := newFake(t)
	n1 := &corev1.Node{ObjectMeta: meta("", "n1", nil, nil), Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "arm64"},
		Images: []corev1.ContainerImage{
			{Names: []string{"ghcr.io/acme/app@" + d1, "ghcr.io/acme/app:1", "mirror.example/acme/app:1"}},
			{Names: []string{"docker.io/library/nginx@" + d2, "docker.io/library/nginx:latest"}},
			{Names: []string{"ghcr.io/acme/two@" + d1, "ghcr.io/acme/two@" + d2, "ghcr.io/acme/two:1"}},
			{Names: []string{"ghcr.io/acme/loaded:1"}},
			{Names: []string{"ghcr.io/acme/broken@sha256:1", "ghcr.io/acme/broken:1", "<none>@<none>", "<none>:<none>"}},
		}}}
	silent := &corev1.Node{ObjectMeta: meta("", "n2", nil, nil)}
	silent.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}
	unready := &corev1.Node{ObjectMeta: meta("", "n3", nil, nil)}
	unready.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}
	f.add(nodes, n1, silent, unready)
	for name, i := range map[string]string{"a": "ghcr.io/acme/app:1", "b": "nginx", "c": "ghcr.io/acme/two:1", "d": "ghcr.io/acme/loaded:1",
		"e": "ghcr.io/acme/broken:1", "f": "ghcr.io/acme/app:1@" + d1, "g": "mirror.example/acme/app:1", "h": "Not An Image"} {
		f.add(pods, runningPod("shop", name, "app", i, appImageID))
	}
	on := func(name, node string) *corev1.Pod {
		p := appPod(name, nil)
		p.Spec.NodeName = node
		return p
	}
	done := on("done", "n2")
	done.Status.Phase = corev1.PodSucceeded
	f.add(pods, done, on("x", "n3"), on("y", "n4"), on("y2", "n4"), on("z", ""))
	got, inv := see(t, f, Options{})
	wantGaps(t, inv, `node "n4": not-found`)
	for key, want := range map[string]string{"a": d1, "b": d2, "c": "", "d": "", "e": "", "f": "", "g": "", "h": ""} {
		c := got[key+"/app"]
		if string(c.NodeTag) != want || c.Spec.Container.Platform != (ref.Platform{OS: "linux", Architecture: "arm64"}) {
			t.Errorf("%s: tag at %q, want %q; platform %v", key, c.NodeTag, want, c.Spec.Container.Platform)
		}
	}
	f.add(pods, on("still-there", "n2"), on("still-there-2", "n2"))
	_, inv = see(t, f, Options{})
	wantGaps(t, inv, `node "n2": network`, `node "n4": not-found`)
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	for name, ahead := range map[string]time.Duration{"now": 0, "soon": 4 * time.Minute, "late": 3 * time.Hour} {
		p := appPod(name, nil)
		p.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(noon.Add(ahead))
		f.add(pods, p)
	}
	got, inv := see(t, f, Options{})
	wantGaps(t, inv, `start times on node "n1": server-error`)
	if !strings.Contains(inv.Gaps[0].Why, "3h0m0s in the future") {
		t.Errorf("why %q", inv.Gaps[0].Why)
	}
	for key, want := range map[string]time.Time{"now/app": noon, "soon/app": noon.Add(4 * time.Minute), "late/app": {}} {
		if !got[key].Since.Equal(want) {
			t.Errorf("%s runs since %s, want %s", key, got[key].Since, want)
		}
	}
}
