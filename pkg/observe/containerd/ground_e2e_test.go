//go:build e2e && linux

package containerd

import (
	"context"
	"testing"

	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/observe"
)

// A ground is a real containerd and an observer of it.
type ground struct {
	*testground.Containerd
	o *Observer
}

func newGround(t *testing.T) *ground {
	t.Helper()
	c, err := testground.StartContainerd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	o, err := New(t.Context(), Options{Address: c.Socket, Name: "host"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return &ground{c, o}
}

// Programs that are in the image to be copied elsewhere.
const (
	dropped  = "\x7fELF dropped"
	replaced = "\x7fELF replaced"
)

// box builds an image that runs, an index of one platform.
func box(t *testing.T, variant string, change func(*testimage.Image)) *testimage.Built {
	t.Helper()
	spec, err := testground.Box(t.Context(), variant)
	if err != nil {
		t.Fatal(err)
	}
	spec.Index = true
	spec.Images[0].Layers = append(spec.Images[0].Layers, testimage.Layer{Files: []testimage.File{{Path: "spare/", Mode: "0755"},
		{Path: "spare/dropped", Mode: "0755", Content: dropped}, {Path: "spare/libapp.so", Mode: "0755", Content: replaced}}})
	if change != nil {
		change(&spec.Images[0])
	}
	b, err := testimage.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (g *ground) load(t *testing.T, namespace, name string, b *testimage.Built) {
	t.Helper()
	if err := g.Import(t.Context(), namespace, name, b); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) run(t *testing.T, image, id string, flags ...string) {
	t.Helper()
	if err := g.Run(t.Context(), "default", image, id, flags...); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) exec(t *testing.T, namespace, id string, args ...string) {
	t.Helper()
	if _, err := g.Exec(t.Context(), namespace, id, args...); err != nil {
		t.Fatal(err)
	}
}

// find observes and returns the container of an ID.
func (g *ground) find(t *testing.T, id string) (observe.Container, observe.Inventory) {
	t.Helper()
	all, inv := every(t, g.o)
	for _, c := range all {
		if c.ID == id {
			return c, inv
		}
	}
	t.Fatalf("container %q is not among %d; gaps %+v", id, len(all), inv.Gaps)
	return observe.Container{}, inv
}

// written returns what c has written, by path.
func (g *ground) written(t *testing.T, c observe.Container) map[string]observe.Written {
	t.Helper()
	out := map[string]observe.Written{}
	err := g.o.Written(t.Context(), c, func(w observe.Written) {
		if w.Err != nil {
			t.Errorf("%s: %v", w.Path, w.Err)
		}
		out[string(w.Path)] = w
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A cri makes pods as the kubelet does.
type maker struct {
	g    *ground
	api  criapi.RuntimeServiceClient
	conn *containerdclient.Conn
}

func (g *ground) maker(t *testing.T) *maker {
	t.Helper()
	conn, err := containerdclient.Connect(t.Context(), containerdclient.Options{Address: g.Socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &maker{g, criapi.NewRuntimeServiceClient(conn), conn}
}

// pod runs a pod in the machine's network with one container of image.
func (m *maker) pod(ctx context.Context, t *testing.T, name, image, specified string, change func(*criapi.ContainerConfig)) string {
	t.Helper()
	labels := map[string]string{labelPodNamespace: "shop", labelPodName: name, labelPodUID: "uid-" + name}
	network := &criapi.NamespaceOption{Network: criapi.NamespaceMode_NODE, Pid: criapi.NamespaceMode_CONTAINER}
	sandbox := &criapi.PodSandboxConfig{
		Metadata: &criapi.PodSandboxMetadata{Name: name, Namespace: "shop", Uid: "uid-" + name}, Labels: labels, LogDirectory: t.TempDir(),
		Linux: &criapi.LinuxPodSandboxConfig{CgroupParent: m.g.CgroupParent(), SecurityContext: &criapi.LinuxSandboxSecurityContext{NamespaceOptions: network}}}
	ran, err := m.api.RunPodSandbox(ctx, &criapi.RunPodSandboxRequest{Config: sandbox})
	if err != nil {
		t.Fatal(err)
	}
	config := &criapi.ContainerConfig{
		Metadata: &criapi.ContainerMetadata{Name: "app"}, Image: &criapi.ImageSpec{Image: image, UserSpecifiedImage: specified},
		Labels: labels, LogPath: "app.log",
		Linux: &criapi.LinuxContainerConfig{SecurityContext: &criapi.LinuxContainerSecurityContext{NamespaceOptions: network}}}
	if change != nil {
		change(config)
	}
	made, err := m.api.CreateContainer(ctx, &criapi.CreateContainerRequest{PodSandboxId: ran.PodSandboxId, Config: config, SandboxConfig: sandbox})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.api.StartContainer(ctx, &criapi.StartContainerRequest{ContainerId: made.ContainerId}); err != nil {
		t.Fatal(err)
	}
	return made.ContainerId
}
