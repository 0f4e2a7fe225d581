package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// What a container does, by what the kubelet says of it and what it is for.
func TestPhases(t *testing.T) {
	t.Parallel()
	const (
		running    = `{running: {startedAt: "2026-11-02T08:00:00Z"}}`
		waiting    = `{waiting: {reason: CrashLoopBackOff}}`
		succeeded  = `{terminated: {exitCode: 0}}`
		failed     = `{terminated: {exitCode: 3}}`
		remembered = ", imageID: " + appImageID
	)
	tests := []struct {
		name, list, container, pod, state string
		phase                             string // of the pod
		want                              fact.Phase
	}{
		{"running", "", "", "", running, "Running", fact.PhaseRunning},
		{"no_status", "", "", "", "", "Pending", fact.PhaseWaiting},
		{"no_state", "", "", "", "{}", "Pending", fact.PhaseWaiting},
		{"waiting_after_a_crash", "", "", "", waiting, "Running", fact.PhaseWaiting},
		{"ended_and_starts_again", "", "", "", succeeded, "Running", fact.PhaseWaiting},
		{"ended_for_good", "", "", "restartPolicy: Never", failed, "Running", fact.PhaseFinished},
		{"succeeded_on_failure", "", "", "restartPolicy: OnFailure", succeeded, "Running", fact.PhaseFinished},
		{"failed_on_failure", "", "", "restartPolicy: OnFailure", failed, "Running", fact.PhaseWaiting},
		{"ended_in_a_pod_that_goes", "", "", "deleted", failed, "Running", fact.PhaseFinished},
		{"running_in_a_pod_that_goes", "", "", "deleted", running, "Running", fact.PhaseRunning},
		{"of_a_pod_that_succeeded", "", "", "", succeeded, "Succeeded", fact.PhaseFinished},
		{"of_a_pod_that_was_evicted", "", "", "", running, "Failed", fact.PhaseFinished},
		{"own_policy", "", "restartPolicy: Never", "", failed, "Running", fact.PhaseFinished},
		{"own_policy_over_never", "", "restartPolicy: OnFailure", "restartPolicy: Never", failed, "Running", fact.PhaseWaiting},
		{"rule_that_fits", "", "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3]}}]", "", failed, "Running", fact.PhaseWaiting},
		{"rule_that_does_not", "", "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [3]}}]", "", failed, "Running", fact.PhaseFinished},
		{"init_done", "init", "", "", succeeded, "Running", fact.PhaseFinished},
		{"init_failed", "init", "", "", failed, "Pending", fact.PhaseWaiting},
		{"init_failed_for_good", "init", "", "restartPolicy: Never", failed, "Pending", fact.PhaseFinished},
		{"sidecar_ended", "init", "restartPolicy: Always", "", succeeded, "Running", fact.PhaseWaiting},
		{"sidecar_runs", "init", "restartPolicy: Always", "", running, "Running", fact.PhaseRunning},
		{"ephemeral_ended", "ephemeral", "", "", succeeded, "Running", fact.PhaseFinished},
		{"ephemeral_runs", "ephemeral", "", "", running, "Running", fact.PhaseRunning},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lists := map[string][2]string{"": {"containers", "containerStatuses"}, "init": {"initContainers", "initContainerStatuses"}, "ephemeral": {"ephemeralContainers", "ephemeralContainerStatuses"}}
			list := lists[tt.list]
			status := ""
			if tt.state != "" {
				status = fmt.Sprintf("%s: [{name: app, image: x%s, state: %s}]", list[1], remembered, tt.state)
			}
			meta, spec := "{namespace: shop, name: p}", tt.pod
			if tt.pod == "deleted" {
				meta, spec = `{namespace: shop, name: p, deletionTimestamp: "2026-11-02T09:00:00Z"}`, ""
			}
			if spec == "" {
				spec = "restartPolicy: Always"
			}
			own := tt.container
			if own != "" {
				own = ", " + own
			}
			f := newFake(t)
			f.add(nodes, &corev1.Node{})
			f.add(pods, pod(fmt.Sprintf("metadata: %s\nspec: {%s, %s: [{name: app, image: %q%s}]}\nstatus: {phase: %s, %s}\n", meta, spec, list[0], appImage, own, tt.phase, status)))
			got, _ := see(t, f, Options{})
			c := got["p/app"]
			if p := c.Spec.Container.Phase; p != tt.want {
				t.Errorf("phase %q, want %q", p, tt.want)
			}
			if want := map[bool]string{true: appImageID}[tt.want == fact.PhaseRunning]; c.Reported != want {
				t.Errorf("reported %q, want %q", c.Reported, want)
			}
			if c.Since.IsZero() == (tt.want == fact.PhaseRunning) {
				t.Errorf("since %s", c.Since)
			}
		})
	}
}

// A pod with one of everything, and its template.
func TestPod(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("7", 64)
	p := pod(fmt.Sprintf(`
metadata: {namespace: shop, name: web-aaa-1, labels: {pod-template-hash: aaa}}
spec:
  nodeName: n1
  restartPolicy: Always
  imagePullSecrets: [{name: ghcr}]
  initContainers:
  - {name: istio-proxy, image: "istio/proxyv2:1.24", restartPolicy: Always}
  - {name: istio-init, image: "istio/proxyv2:1.24"}
  containers: [{name: app, image: "mirror.example/acme/app:1", securityContext: {readOnlyRootFilesystem: true}}]
  ephemeralContainers: [{name: debugger, image: busybox}]
  volumes: [{name: model, image: {reference: "acme/model:7"}}, {name: app, image: {reference: "acme/files:1"}}]
status:
  phase: Running
  initContainerStatuses:
  - {name: istio-proxy, image: "istio/proxyv2:1.24", imageID: "docker.io/istio/proxyv2@%[1]s", containerID: "containerd://%[2]s", state: {running: {startedAt: "2026-11-02T08:00:00Z"}}}
  - {name: istio-init, image: "istio/proxyv2:1.24", imageID: "docker.io/istio/proxyv2@%[1]s", containerID: "containerd://%[2]s", state: {terminated: {exitCode: 0}}}
  containerStatuses:
  - name: app
    image: %[1]s
    imageID: mirror.example/acme/app@%[1]s
    containerID: containerd://%[2]s
    state: {running: {startedAt: "2026-11-02T08:00:00Z"}}
    lastState: {terminated: {exitCode: 1, containerID: "containerd://old"}}
    volumeMounts:
    - {name: model, mountPath: /model, volumeStatus: {image: {imageRef: "acme/model@%[1]s"}}}
    - {name: app, mountPath: /files}
  ephemeralContainerStatuses:
  - name: debugger
    image: docker.io/library/busybox:latest
    imageID: docker.io/library/busybox@%[1]s
    containerID: containerd://%[2]s
    state: {running: {startedAt: "2026-11-02T08:00:00Z"}}
    volumeMounts: [{name: model, mountPath: /model, volumeStatus: {image: {imageRef: "acme/model@%[3]s"}}}]
`, digest("a"), id, digest("b")))
	f := newFake(t)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	rs := replicaSet("shop", "web", "aaa", 1, "ghcr.io/acme/app:1")
	rs.Spec.Template.Spec.Containers = append(rs.Spec.Template.Spec.Containers, corev1.Container{Name: "istio-proxy", Image: "auto"})
	rs.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "acme/model:7"}}}}
	f.add(replicaSets, rs)
	f.add(pods, owned(p, "apps/v1", "ReplicaSet", "web-aaa", rs.UID))
	type row struct {
		Name, Image, Template, Reported string
		Role                            fact.Role
		Phase                           fact.Phase
		Injected, Added                 bool
		Also                            []string
	}
	var got []row
	inv, err := f.open(Options{}).Observe(t.Context(), func(c observe.Container) {
		d := c.Spec.Container
		got = append(got, row{d.Name, d.Image, d.Template, c.Reported, d.Role, d.Phase, d.Injected, d.Added, c.Also})
		if d.Role != fact.RoleVolume && c.ID != id || d.Role == fact.RoleVolume && c.ID != "" {
			t.Errorf("%s has the ID %q", d.Name, c.ID)
		}
		if c.Node != "n1" || !slices.Equal(c.Spec.PullSecrets, []string{"ghcr"}) || c.Spec.Settings.ReadOnlyRoot != (d.Name == "app" && d.Role == fact.RoleMain) {
			t.Errorf("%s: node %q, pull secrets %v, settings %+v", d.Name, c.Node, c.Spec.PullSecrets, c.Spec.Settings)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantGaps(t, inv)
	a := digest("a")
	want := []row{
		{"istio-proxy", "istio/proxyv2:1.24", "auto", "docker.io/istio/proxyv2@" + a, fact.RoleSidecar, fact.PhaseRunning, false, false, nil},
		{"istio-init", "istio/proxyv2:1.24", "", "", fact.RoleInit, fact.PhaseFinished, true, false, nil},
		{"app", "mirror.example/acme/app:1", "ghcr.io/acme/app:1", "mirror.example/acme/app@" + a, fact.RoleMain, fact.PhaseRunning, false, false, []string{a}},
		{"debugger", "busybox", "", "docker.io/library/busybox@" + a, fact.RoleEphemeral, fact.PhaseRunning, false, true, nil},
		{"model", "acme/model:7", "acme/model:7", "acme/model@" + a, fact.RoleVolume, fact.PhaseRunning, false, false, nil},
		{"model", "acme/model:7", "acme/model:7", "acme/model@" + digest("b"), fact.RoleVolume, fact.PhaseRunning, false, false, nil},
		{"app", "acme/files:1", "", "", fact.RoleVolume, fact.PhaseRunning, true, false, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
}

// Pods of a StatefulSet share what they have in common, though their claims have
// names of their own.
func TestSharedSpecs(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	for i := range 3 {
		p := appPod(fmt.Sprintf("db-%d", i), nil)
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-" + p.Name}}}}
		p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
		f.add(pods, p)
	}
	got, _ := see(t, f, Options{})
	if got["db-0/app"].Spec != got["db-2/app"].Spec {
		t.Errorf("%+v and %+v", got["db-0/app"].Spec, got["db-2/app"].Spec)
	}
	if s := got["db-0/app"].Spec.Settings.Mounts[0].Source; s != "data-*" {
		t.Errorf("source %q", s)
	}
}

func TestSelector(t *testing.T) {
	t.Parallel()
	f := shop(t, 0)
	f.add(pods, owned(appPod("a", map[string]string{"app": "a"}), "apps/v1", "ReplicaSet", "a-2", uid("ReplicaSet/shop/a-2")), appPod("b", map[string]string{"app": "b"}))
	for _, d := range []string{"a", "b"} {
		f.add(replicaSets, replicaSet("shop", d, "1", 1, appImage), replicaSet("shop", d, "2", 2, appImage))
	}
	got, inv := see(t, f, Options{Selector: "app in (a)"})
	if len(got) != 1 || got["a/app"].Pod != "a" || len(inv.Histories) != 1 || inv.Histories[0].Workload.Name != "a" {
		t.Errorf("containers %v, histories %+v", got, inv.Histories)
	}
}

func TestImmutable(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	f := newFake(t)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	p := appPod("p", nil)
	for _, name := range []string{"yes", "no", "none", "gone"} {
		p.Spec.Containers[0].EnvFrom = append(p.Spec.Containers[0].EnvFrom,
			corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}},
			corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
	}
	f.add(pods, p)
	for name, v := range map[string]*bool{"yes": &yes, "no": &no, "none": nil} {
		f.add(configMaps, &corev1.ConfigMap{ObjectMeta: meta("shop", name, nil, nil), Immutable: v, Data: map[string]string{"a": "b"}, BinaryData: map[string][]byte{"c": {1}}})
		f.add(secrets, &secret{corev1.Secret{ObjectMeta: meta("shop", name, nil, nil), Immutable: v, Data: map[string][]byte{"a": {1}}, Type: "Opaque"}})
	}
	f.add(configMaps, &corev1.ConfigMap{ObjectMeta: meta("other", "gone", nil, nil), Immutable: &yes})
	const gone = "there is none of that name"
	known := []string{"gone  not-found " + gone, "no no  ", "none no  ", "yes yes  "}
	say := func(why string) []string {
		return []string{"gone  " + why, "no  " + why, "none  " + why, "yes  " + why}
	}
	unaskedMaps, unaskedSecrets := say("not-asked whether ConfigMaps are immutable (--config-maps)"), say("not-asked whether Secrets are immutable (--secrets)")
	tests := []struct {
		name               string
		o                  Options
		json               bool
		deny               string
		configMaps, secret []string
		gaps               []string
	}{
		{name: "nothing", configMaps: unaskedMaps, secret: unaskedSecrets},
		{name: "config_maps", o: Options{ConfigMaps: true}, configMaps: known, secret: unaskedSecrets},
		{name: "secrets", o: Options{Secrets: true}, configMaps: unaskedMaps, secret: known},
		{name: "both", o: Options{ConfigMaps: true, Secrets: true}, configMaps: known, secret: known},
		{name: "both_as_json", o: Options{ConfigMaps: true, Secrets: true}, json: true, configMaps: known, secret: known},
		{name: "forbidden", o: Options{ConfigMaps: true, Secrets: true}, deny: "secrets", configMaps: known, secret: say("forbidden Secrets could not be listed"), gaps: []string{"Secrets: forbidden"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := f.clone(t)
			g.onlyJSON = tt.json
			g.deny = func(c call) bool { return c.resource == tt.deny }
			got, inv := see(t, g, tt.o)
			wantGaps(t, inv, tt.gaps...)
			var maps, secrets []string
			for _, c := range got["p/app"].Spec.Settings.Configs {
				s := fmt.Sprintf("%s %s %s %s", c.Name, c.Immutable, c.Cause, c.Why)
				if c.Kind == "Secret" {
					secrets = append(secrets, s)
				} else {
					maps = append(maps, s)
				}
			}
			if diff := cmp.Diff([][]string{tt.configMaps, tt.secret}, [][]string{maps, secrets}); diff != "" {
				t.Errorf("ConfigMaps, Secrets (-want +got):\n%s", diff)
			}
			for _, c := range g.calls {
				if c.resource == "secrets" && !tt.o.Secrets || c.resource == "configmaps" && !tt.o.ConfigMaps {
					t.Errorf("%s are read without being asked for", c.resource)
				}
			}
		})
	}
}
