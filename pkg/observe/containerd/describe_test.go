package containerd

import (
	"slices"
	"strings"
	"testing"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/api/types/task"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// running is a CRI that knows one container.
func running(id, imageRef, imageID, specified string) *containerdtest.CRI {
	return &containerdtest.CRI{Statuses: map[string]*criapi.ContainerStatusResponse{id: {Status: &criapi.ContainerStatus{
		State: criapi.ContainerState_CONTAINER_RUNNING, ImageRef: imageRef, ImageId: imageID, StartedAt: later.UnixNano(),
		Image: &criapi.ImageSpec{Image: "registry.example/some/name:1", UserSpecifiedImage: specified}}}}}
}

// Labels are partly those of the image: none of them hides a container or makes
// it a pod's.
func TestForgedLabels(t *testing.T) {
	t.Parallel()
	c := record("c", "docker.io/acme/app:1")
	c.Labels = map[string]string{"io.cri-containerd.kind": "sandbox", labelPodNamespace: "kube-system", labelPodName: "kube-proxy", labelPodUID: "1",
		"io.kubernetes.container.name": "pause"}
	for _, namespace := range []string{"default", "k8s.io"} {
		n := &containerdtest.Namespace{Containers: []*containersapi.Container{c}, Tasks: map[string]task.Status{"c": task.Status_RUNNING}}
		got, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{namespace: n}}, Options{}))
		if got.Namespace != namespace || got.Pod != "c" || got.Spec.Container.Name != "c" || countOf(inv, "sandboxes") != 0 {
			t.Errorf("%s: %s/%s, counts %+v", namespace, got.Namespace, got.Pod, inv.Counts)
		}
	}
}

func TestSandboxes(t *testing.T) {
	t.Parallel()
	sandbox := record("s", "registry.k8s.io/pause:3.9")
	sandbox.Extensions = map[string]*anypb.Any{extensionSandbox: {Value: []byte("{}")}}
	n := &containerdtest.Namespace{Containers: []*containersapi.Container{sandbox, record("c", "docker.io/acme/app:1")},
		Tasks: map[string]task.Status{"s": task.Status_RUNNING, "c": task.Status_RUNNING}}
	got, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": n, "default": {}}}, Options{}))
	want := []observe.Count{{What: "namespaces", N: 2}, {What: "containers", N: 1}, {What: "sandboxes", N: 1}}
	if diff := cmp.Diff(want, inv.Counts); diff != "" || got.ID != "c" {
		t.Errorf("container %q; counts (-want +got):\n%s", got.ID, diff)
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	restarts := record("restarts", "x")
	restarts.Labels = map[string]string{labelRestart: "running"}
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"created": task.Status_CREATED, "running": task.Status_RUNNING, "paused": task.Status_PAUSED,
		"stopped": task.Status_STOPPED, "silent": task.Status_UNKNOWN},
		Snapshots: map[string]containerdtest.Snapshot{"overlayfs/running": {}, "overlayfs/paused": {}},
		Containers: []*containersapi.Container{record("created", "x"), record("running", "x"), record("paused", "x"), record("stopped", "x"), record("none", "x"),
			record("silent", "x"), restarts}}
	all, inv := every(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
	got := map[string]fact.Phase{}
	for _, c := range all {
		got[c.ID] = c.Spec.Container.Phase
		if (c.Reported != "") != (c.Spec.Container.Phase == fact.PhaseRunning) {
			t.Errorf("%s is %q and reports %q", c.ID, c.Spec.Container.Phase, c.Reported)
		}
	}
	want := map[string]fact.Phase{"created": fact.PhaseWaiting, "running": fact.PhaseRunning, "paused": fact.PhaseRunning, "stopped": fact.PhaseFinished,
		"none": fact.PhaseFinished, "restarts": fact.PhaseWaiting, "silent": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The list leaves out what does not answer; that is no sign that nothing runs.
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].What, `"silent"`) {
		t.Errorf("gaps %+v", inv.Gaps)
	}
}

// What runs without a record of its container is not passed over.
func TestOrphans(t *testing.T) {
	t.Parallel()
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"hidden": task.Status_RUNNING, "ended": task.Status_STOPPED, "c": task.Status_RUNNING},
		Containers: []*containersapi.Container{record("c", "x")}, Snapshots: map[string]containerdtest.Snapshot{"overlayfs/c": {}}}
	_, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].What, `"hidden"`) || inv.Gaps[0].Cause != fact.NotFound {
		t.Errorf("gaps %+v", inv.Gaps)
	}
}

// Of the starts of one container of a pod only the last counts.
func TestFormerStarts(t *testing.T) {
	t.Parallel()
	start1 := func(id, name string, attempt int) *containersapi.Container {
		return ofPod(t, record(id, "x"), podRecord{namespace: "shop", pod: "cart", uid: "1", name: name, attempt: attempt})
	}
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"a2": task.Status_RUNNING}, Containers: []*containersapi.Container{
		start1("a0", "app", 0), start1("a1", "app", 1), start1("a2", "app", 2), start1("i1", "init", 1), start1("i0", "init", 0), record("other", "x"), record("another", "x")}}
	all, _ := every(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": n}}, Options{}))
	var got []string
	for _, c := range all {
		got = append(got, c.ID)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a2", "another", "i1", "other"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestImageVolumes(t *testing.T) {
	t.Parallel()
	b := build(t, "data", "")
	volume := map[string]any{"container_path": "/models", "image": map[string]any{"image": "sha256:" + strings.Repeat("a", 64),
		"user_specified_image": "registry.example/acme/models:1", "image_ref": "registry.example/acme/models@" + string(b.Root.Descriptor.Digest)}}
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING, "d": task.Status_RUNNING}, Containers: []*containersapi.Container{ofPod(t, record("c", "x"), podRecord{
		namespace: "shop", pod: "cart", name: "app", volumes: []map[string]any{volume, {"container_path": "/data", "host_path": "/x"}}}),
		// It mounts the same elsewhere.
		ofPod(t, record("d", "x"), podRecord{namespace: "shop", pod: "cart", name: "sidecar", volumes: []map[string]any{
			{"container_path": "/m", "image": volume["image"]}}})}}
	n.Images = append(n.Images, stored("registry.example/acme/models:1", b.Root.Descriptor, pulled))
	all, _ := every(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": n}}, Options{}))
	if len(all) != 3 {
		t.Fatalf("%d containers, want two and their volume", len(all))
	}
	want := fact.Container{Name: "/models", Role: fact.RoleVolume, Phase: fact.PhaseRunning, Runtime: "containerd", Image: "registry.example/acme/models:1",
		Ref: ref.Ref{Name: "registry.example/acme/models", Tag: "1"}, Platform: ref.Platform{OS: "linux", Architecture: "amd64"}}
	if diff := cmp.Diff(want, all[1].Spec.Container); diff != "" || all[1].Pod != "cart" || all[1].NodeTag != b.Root.Descriptor.Digest ||
		all[1].Reported != "registry.example/acme/models@"+string(b.Root.Descriptor.Digest) {
		t.Errorf("%+v (-want +got):\n%s", all[1], diff)
	}
}

// The platform is the machine's, whatever this program is built for.
func TestPlatformOfTheMachine(t *testing.T) {
	t.Parallel()
	n := &containerdtest.Namespace{Containers: []*containersapi.Container{record("c", "x")}}
	got, _ := only(t, start(t, &containerdtest.Server{Platform: &types.Platform{OS: "linux", Architecture: "s390x"}, Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
	if want := (ref.Platform{OS: "linux", Architecture: "s390x"}); got.Spec.Container.Platform != want {
		t.Errorf("platform %s", got.Spec.Container.Platform)
	}
}

func TestNamesOfContainers(t *testing.T) {
	t.Parallel()
	named := record("0123", "x")
	named.Labels = map[string]string{labelNerdctlName: "web"}
	docker := record("4567", "")
	docker.SnapshotKey = ""
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{
		"default": {Containers: []*containersapi.Container{named}},
		"moby":    {Containers: []*containersapi.Container{docker}, Tasks: map[string]task.Status{"4567": task.Status_RUNNING}}}}
	all, inv := every(t, start(t, s, Options{}))
	got := map[string]string{}
	for _, c := range all {
		got[c.ID] = c.Namespace + "/" + c.Pod + " " + c.Spec.Container.Name
	}
	if diff := cmp.Diff(map[string]string{"0123": "default/web web", "4567": "moby/4567 4567"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(inv.Gaps) != 1 || inv.Gaps[0].Hint != "ask Docker: --workloads docker" || inv.Gaps[0].Cause != fact.Unsupported {
		t.Errorf("gaps %+v", inv.Gaps)
	}
	if inv.Kind != "containerd" || inv.Name != "host" || inv.Version != "2.4.2" {
		t.Errorf("inventory of %s %s %s", inv.Kind, inv.Name, inv.Version)
	}
}

// A namespace that there is not would look empty.
func TestChosenNamespaces(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{
		"a": {Containers: []*containersapi.Container{record("1", "x")}}, "b": {Containers: []*containersapi.Container{record("2", "x")}}}}
	got, inv := only(t, start(t, s, Options{Namespaces: []string{"b", "b", "c"}}))
	if got.ID != "2" || !slices.Equal(causes(inv), []fact.Cause{fact.NotFound}) || countOf(inv, "namespaces") != 1 {
		t.Errorf("container %s, inventory %+v", got.ID, inv)
	}
}

// What another program wrote and cannot be read is said, and the container stays.
func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*containersapi.Container){
		"spec is no JSON":      func(c *containersapi.Container) { c.Spec = specAny("{") },
		"spec without a root":  func(c *containersapi.Container) { c.Spec = specAny("{}") },
		"spec of another kind": func(c *containersapi.Container) { c.Spec.TypeUrl = "something" },
		"no spec":              func(c *containersapi.Container) { c.Spec = nil },
		"pod is no JSON": func(c *containersapi.Container) {
			c.Extensions = map[string]*anypb.Any{extensionContainer: {Value: []byte("{")}}
		},
		"pod of a later version": func(c *containersapi.Container) {
			c.Extensions = map[string]*anypb.Any{extensionContainer: {Value: []byte(`{"Version":"v2"}`)}}
		},
	} {
		c := record("c", "x")
		change(c)
		n := &containerdtest.Namespace{Containers: []*containersapi.Container{c}}
		got, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
		if got.ID != "c" || !slices.Equal(causes(inv), []fact.Cause{fact.Unsupported}) {
			t.Errorf("%s: %s, gaps %+v", name, got.ID, inv.Gaps)
		}
	}
}

// Equal things that could not be seen are one gap.
func TestGapsAreGrouped(t *testing.T) {
	t.Parallel()
	n := &containerdtest.Namespace{}
	for _, id := range []string{"a", "b", "c"} {
		c := record(id, "x")
		c.Spec = nil
		n.Containers = append(n.Containers, c)
	}
	_, inv := every(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
	if len(inv.Gaps) != 1 || inv.Gaps[0].What != `settings of container of namespace "default": "a" and 2 more` {
		t.Errorf("gaps %+v", inv.Gaps)
	}
}

// The CRI alone: what CRI-O says of its containers.
func TestCRIO(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("ab", 32)
	statuses := map[string]*criapi.ContainerStatusResponse{
		"a": {Status: &criapi.ContainerStatus{Metadata: &criapi.ContainerMetadata{Name: "cart"}, State: criapi.ContainerState_CONTAINER_RUNNING,
			Image: &criapi.ImageSpec{Image: "registry.example/acme/cart:2"}, ImageRef: "registry.example/other/cart@sha256:" + hex, ImageId: hex,
			Labels: map[string]string{labelPodNamespace: "shop", labelPodName: "cart-1"}},
			Info: map[string]string{"info": `{"privileged":true,"runtimeSpec":` + strings.Replace(plainSpec, `"path":"rootfs"`, `"path":"rootfs","readonly":true`, 1) + `}`}},
		"b": {Status: &criapi.ContainerStatus{Metadata: &criapi.ContainerMetadata{Name: "b"}, State: criapi.ContainerState_CONTAINER_EXITED,
			Image: &criapi.ImageSpec{Image: hex}, ImageRef: hex}},
		"gone": nil,
	}
	s := &containerdtest.Server{OnlyCRI: true, CRI: &containerdtest.CRI{Name: "cri-o", Version: "1.31.0", Statuses: statuses}}
	all, inv := every(t, start(t, s, Options{}))
	if len(all) != 2 || inv.Kind != "cri-o" || inv.Version != "1.31.0" || countOf(inv, "containers that ended meanwhile") != 1 {
		t.Fatalf("%d containers, inventory %+v", len(all), inv)
	}
	a, b := all[0], all[1]
	if a.Reported != "registry.example/other/cart@sha256:"+hex || !slices.Equal(a.Also, []string{hex}) || a.Spec.Container.Image != "registry.example/acme/cart:2" ||
		!a.Spec.Settings.ReadOnlyRoot || !a.Spec.Settings.Privileged || a.Namespace != "shop" || a.Pod != "cart-1" || a.Spec.Container.Platform != machine() {
		t.Errorf("%+v %+v", a, a.Spec)
	}
	if b.Reported != "" || b.Spec.Container.Image != "" || b.Spec.Container.Phase != fact.PhaseFinished {
		t.Errorf("%+v %+v", b, b.Spec)
	}
	if !slices.Equal(causes(inv), []fact.Cause{fact.Unsupported}) { // b has no settings
		t.Errorf("gaps %+v", inv.Gaps)
	}
}
