//go:build e2e && linux

package containerd

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// What ctr runs: its image with the proof, what was written over it, and what is
// left to know after its name moved.
func TestContainersOfCtr(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const name = "docker.io/acme/app:1"
	one, two := box(t, "one", nil), box(t, "two", nil)
	g.load(t, "default", name, one)
	g.run(t, name, "plain")
	g.run(t, name, "readonly", "--read-only", "--mount", "type=tmpfs,dst=/app/cache,options=rw")
	root := one.Root.Descriptor.Digest

	c, inv := g.find(t, "plain")
	if len(inv.Gaps) > 0 || countOf(inv, "containers") != 2 || !strings.HasPrefix(inv.Version, "1.") {
		t.Errorf("inventory %+v", inv)
	}
	want := observe.Container{Namespace: "default", Pod: "plain", ID: "plain", Reported: "docker.io/acme/app@" + string(root),
		Manifest: one.Images[0].Manifest.Descriptor.Digest, Also: []string{string(one.Images[0].Config.Descriptor.Digest)}, NodeTag: root, Spec: c.Spec}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d := c.Spec.Container; d.Phase != fact.PhaseRunning || d.Image != name || d.Platform != machine() || d.Platform == (ref.Platform{}) {
		t.Errorf("container %+v", d)
	}
	if s := c.Spec.Settings; s.ReadOnlyRoot || s.MayEscalate != fact.No || s.RunAsUser == nil || *s.RunAsUser != 0 || len(s.Capabilities) > 0 || s.Privileged {
		t.Errorf("settings %+v", s)
	}
	if got := g.written(t, c); len(got) > 0 {
		t.Errorf("a container that wrote nothing has written %q", slices.Sorted(maps.Keys(got)))
	}

	// Dropped, replaced, removed, touched, made executable; and what stays unseen.
	g.exec(t, "default", "plain", "/bin/cp", "/spare/dropped", "/tmp/dropped")
	g.exec(t, "default", "plain", "/bin/cp", "/spare/libapp.so", "/app/lib/libapp.so")
	g.exec(t, "default", "plain", "/bin/rm", "/app/app.conf")
	g.exec(t, "default", "plain", "/bin/touch", "/app/run.sh", "1")
	g.exec(t, "default", "plain", "/bin/cp", "/spare/dropped", "/dev/shm/unseen")
	got := g.written(t, c)
	if diff := cmp.Diff([]string{"/app", "/app/app.conf", "/app/lib", "/app/lib/libapp.so", "/app/run.sh", "/tmp", "/tmp/dropped"}, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if w := got["/tmp/dropped"]; w.Entry.Digest != ref.DigestOf([]byte(dropped), "") || w.Entry.Mode != 0o755 || string(w.Entry.Head) != dropped {
		t.Errorf("dropped %+v", w)
	}
	if w := got["/app/app.conf"]; !w.Removed {
		t.Errorf("removed %+v", w)
	}
	if w := got["/app/run.sh"]; w.Entry.Digest != ref.DigestOf([]byte("#!/bin/sh\nexec /bin/box sleep\n"), "") {
		t.Errorf("touched %+v", w)
	}

	c, _ = g.find(t, "readonly")
	if s := c.Spec.Settings; !s.ReadOnlyRoot || !slices.ContainsFunc(s.Mounts, func(m fact.Mount) bool { return m.Path == "/app/cache" && m.Kind == "tmpfs" }) {
		t.Errorf("settings %+v", s)
	}
	if got := g.written(t, c); len(got) > 0 {
		t.Errorf("a read-only container has written %q", slices.Sorted(maps.Keys(got)))
	}

	// The name moves under them, as a tag does.
	g.load(t, "default", name, two)
	g.run(t, name, "after")
	c, _ = g.find(t, "plain")
	if c.Reported != name || c.Manifest != "" || c.NodeTag != two.Root.Descriptor.Digest {
		t.Errorf("after its name moved: %+v", c)
	}
	if c, _ = g.find(t, "after"); c.Reported != "docker.io/acme/app@"+string(two.Root.Descriptor.Digest) {
		t.Errorf("of the new image: %+v", c)
	}
}

func TestStatesOfTasks(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const name = "docker.io/acme/app:1"
	g.load(t, "default", name, box(t, "one", func(i *testimage.Image) {
		// What ctr copies to the container's labels.
		i.Config.User = "1000:1000"
		i.Config.Labels = map[string]string{"io.cri-containerd.kind": "sandbox", labelPodName: "kube-proxy"}
	}))
	for _, id := range []string{"ended", "deleted", "orphan", "other"} {
		g.run(t, name, id, "--privileged")
	}
	for _, args := range [][]string{{"tasks", "kill", "--signal", "KILL", "ended"}, {"tasks", "delete", "--force", "deleted"}} {
		if _, err := g.Ctr(t.Context(), "default", args...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Ctr(t.Context(), "other", "namespaces", "create", "other"); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		c, _ := g.find(t, "ended")
		if c.Spec.Container.Phase == fact.PhaseFinished {
			break
		}
		if patience.Err() != nil {
			t.Fatalf("a killed container is %q", c.Spec.Container.Phase)
		}
	}
	// Only the record goes: containerd does not ask whether it runs.
	conn, err := containerdclient.Connect(t.Context(), containerdclient.Options{Address: g.Socket})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "containerd-namespace", "default")
	if _, err := containersapi.NewContainersClient(conn).Delete(ctx, &containersapi.DeleteContainerRequest{ID: "orphan"}); err != nil {
		t.Fatal(err)
	}

	all, inv := every(t, g.o)
	got := map[string]fact.Phase{}
	for _, c := range all {
		got[c.ID] = c.Spec.Container.Phase
		if s := c.Spec.Settings; !s.Privileged || s.RunAsUser == nil || *s.RunAsUser != 1000 || *s.RunAsGroup != 1000 {
			t.Errorf("%s has the settings %+v", c.ID, s)
		}
	}
	want := map[string]fact.Phase{"ended": fact.PhaseFinished, "deleted": fact.PhaseFinished, "other": fact.PhaseRunning}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].What, `"orphan"`) || countOf(inv, "namespaces") < 2 {
		t.Errorf("inventory %+v", inv)
	}
}

// A snapshotter without an upper directory is named, not passed over.
func TestOtherSnapshotters(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const name = "docker.io/acme/app:1"
	b := box(t, "one", nil)
	g.load(t, "default", name, b)
	g.run(t, name, "native", "--snapshotter", "native")
	c, _ := g.find(t, "native")
	if c.Manifest != b.Images[0].Manifest.Descriptor.Digest {
		t.Errorf("runs %+v", c)
	}
	err := g.o.Written(t.Context(), c, func(w observe.Written) { t.Errorf("%s counts as written", w.Path) })
	if image.CauseOf(err) != fact.Unsupported || !strings.Contains(err.Error(), `snapshotter "native"`) {
		t.Errorf("error %v", err)
	}
}

// Pods, made over the CRI as the kubelet makes them.
func TestPodsOfTheCRI(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const name = "registry.example/acme/cart:2"
	b := box(t, "one", nil)
	g.load(t, "k8s.io", testground.SandboxImage, box(t, "pause", nil))
	g.load(t, "k8s.io", name, b)
	m := g.maker(t)
	id := m.pod(t.Context(), t, "cart-7d4b9c-x2x", name, name, func(c *criapi.ContainerConfig) {
		c.Mounts = []*criapi.Mount{{ContainerPath: "/var/run/secrets/kubernetes.io/serviceaccount", HostPath: t.TempDir(), Readonly: true}}
		c.Linux.SecurityContext.RunAsUser = &criapi.Int64Value{Value: 1000}
		c.Linux.SecurityContext.NoNewPrivs = true
	})
	writable := m.pod(t.Context(), t, "writer", name, name, nil)
	st, err := m.api.ContainerStatus(t.Context(), &criapi.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		t.Fatal(err)
	}
	c, inv := g.find(t, id)
	if len(inv.Gaps) > 0 || countOf(inv, "containers") != 2 || countOf(inv, "sandboxes") != 2 {
		t.Errorf("inventory %+v", inv)
	}
	config := string(b.Images[0].Config.Descriptor.Digest)
	if c.Reported != st.Status.ImageRef || c.Reported == "" || c.Manifest != b.Images[0].Manifest.Descriptor.Digest || !slices.Contains(append(c.Also, c.Reported), config) ||
		c.NodeTag != b.Root.Descriptor.Digest || c.Since.IsZero() {
		t.Errorf("the CRI says %q: %+v", st.Status.ImageRef, c)
	}
	if d := c.Spec.Container; c.Namespace != "shop" || c.Pod != "cart-7d4b9c-x2x" || d.Name != "app" || d.Image != name || d.Phase != fact.PhaseRunning {
		t.Errorf("%s/%s %+v", c.Namespace, c.Pod, d)
	}
	if s := c.Spec.Settings; s.MayEscalate != fact.No || s.RunAsUser == nil || *s.RunAsUser != 1000 ||
		!slices.ContainsFunc(s.Mounts, func(m fact.Mount) bool { return m.Kind == "hostPath" && m.ReadOnly }) {
		t.Errorf("settings %+v", s)
	}
	// What the runtime made to mount on is not the container's.
	if got := g.written(t, c); len(got) > 0 {
		t.Errorf("a pod that wrote nothing has written %q", slices.Sorted(maps.Keys(got)))
	}
	g.exec(t, "k8s.io", writable, "/bin/cp", "/spare/libapp.so", "/app/lib/libapp.so")
	seen, gaps, err := g.o.Lookup().Container(t.Context(), "containerd://"+writable)
	if err != nil || len(gaps) > 0 || seen.Manifest != c.Manifest {
		t.Fatalf("%+v, gaps %+v, %v", seen, gaps, err)
	}
	// As an observer of Kubernetes sees it: of its namespace, and by the ID.
	got := g.written(t, observe.Container{Namespace: "shop", Pod: "writer", ID: writable})
	if diff := cmp.Diff([]string{"/app", "/app/lib", "/app/lib/libapp.so"}, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}

	// An older plugin keeps no name; the CRI alone says the same of what runs.
	alone := &Observer{name: "host", cri: g.o.cri, walk: g.o.walk, platform: g.o.platform}
	all, inv := every(t, alone)
	i := slices.IndexFunc(all, func(x observe.Container) bool { return x.ID == id })
	if i < 0 || len(inv.Gaps) > 0 || all[i].Reported != c.Reported || all[i].Pod != c.Pod || cmp.Diff(all[i].Spec.Settings, c.Spec.Settings) != "" {
		t.Errorf("by the CRI alone: %+v, gaps %+v", all, inv.Gaps)
	}
}

// A containerd that dies is an error, not an empty machine.
func TestDeadContainerd(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const name = "docker.io/acme/app:1"
	g.load(t, "default", name, box(t, "one", nil))
	g.run(t, name, "c")
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	n := 0
	_, err := g.o.Observe(t.Context(), func(observe.Container) { n++ })
	if image.CauseOf(err) != fact.Network || n != 0 {
		t.Errorf("%d containers, error %v", n, err)
	}
	_, err = New(t.Context(), Options{Address: g.Socket})
	if image.CauseOf(err) != fact.Network || !strings.Contains(err.Error(), "nobody listens") {
		t.Errorf("error %v", err)
	}
}
