//go:build e2e && linux

package testground

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

const cartDeployment = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: cart, image: IMAGE}]
`

// One cluster for all of its tests: it takes seconds to start.
func TestCluster(t *testing.T) {
	t.Parallel()
	registry := startTestRegistry(t)
	mirrored := startTestRegistry(t)
	built := pushBox(t, registry, "cart:1.0.0", "one")
	c, err := StartCluster(t.Context(), ClusterConfig{
		Registries: []*Registry{registry, mirrored}, Mirrors: map[string]string{"registry.example": mirrored.Addr},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		leavesNothing(t, c.place.dir)
	})
	if err := c.Apply(t.Context(), strings.ReplaceAll(cartDeployment, "IMAGE", registry.Ref("cart:1.0.0"))); err != nil {
		t.Fatal(err)
	}
	pods, err := c.WaitReady(t.Context(), "shop", "app=cart", 2)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a deployment runs the registry's image", func(t *testing.T) {
		for _, p := range pods {
			s := p.Status.ContainerStatuses[0]
			if want := registry.Ref("cart") + "@" + string(built.Root.Descriptor.Digest); s.ImageID != want {
				t.Errorf("imageID %q, want %q", s.ImageID, want)
			}
		}
	})
	t.Run("control groups are the cluster's own", func(t *testing.T) {
		if len(cgroupsOf(t, c.place.dir)) == 0 {
			t.Error("no control group of a container")
		}
	})
	t.Run("what is written in a container is in its upper directory", func(t *testing.T) {
		const content = "dropped by exec"
		if _, err := c.Exec(t.Context(), "shop", pods[0].Name, "", content, "write", "/app/dropped", "0755"); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Exec(t.Context(), "shop", pods[0].Name, "cart", "", "cat", "/app/dropped"); err != nil || got != content {
			t.Errorf("in the container: %q, %v", got, err)
		}
		files, err := filepath.Glob(filepath.Join(c.Root, "io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/app/dropped"))
		if err != nil || len(files) != 1 {
			t.Fatalf("upper directories with the file: %q, %v", files, err)
		}
		if b, err := os.ReadFile(files[0]); err != nil || string(b) != content {
			t.Errorf("in the upper directory: %q, %v", b, err)
		}
	})
	t.Run("debug adds an ephemeral container", func(t *testing.T) {
		pushBox(t, registry, "tools:1.0.0", "tools")
		if err := c.Debug(t.Context(), "shop", pods[1].Name, "look", registry.Ref("tools:1.0.0")); err != nil {
			t.Error(err)
		}
	})
	t.Run("a loaded image has no digest of a repository", func(t *testing.T) {
		spec, err := Box(t.Context(), "loaded")
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := testimage.Build(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Load(t.Context(), loaded, "registry.invalid/loaded:1"); err != nil {
			t.Fatal(err)
		}
		s := runPod(t, c, "loaded", "registry.invalid/loaded:1")
		if want := string(loaded.Images[0].Config.Descriptor.Digest); s.ImageID != want {
			t.Errorf("imageID %q, want the config's digest %q", s.ImageID, want)
		}
	})
	t.Run("a name is pulled from its mirror", func(t *testing.T) {
		built := pushBox(t, mirrored, "team/app:2.0.0", "mirrored")
		s := runPod(t, c, "mirrored", "registry.example/team/app:2.0.0")
		if want := "registry.example/team/app@" + string(built.Root.Descriptor.Digest); s.ImageID != want {
			t.Errorf("imageID %q, want %q", s.ImageID, want)
		}
	})
	t.Run("a user sees what roles allow", func(t *testing.T) {
		const roles = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: look, namespace: shop}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: look}
subjects: [{kind: Group, name: lookers}]
`
		if err := c.Apply(t.Context(), roles); err != nil {
			t.Fatal(err)
		}
		kubeconfig, err := c.User("ada", "lookers")
		if err != nil {
			t.Fatal(err)
		}
		ada := []string{"--kubeconfig", kubeconfig, "get", "pods", "--namespace"}
		if out, err := c.Kubectl(t.Context(), "", append(ada, "shop")...); err != nil || !strings.Contains(out, pods[0].Name) {
			t.Errorf("allowed: %q, %v", out, err)
		}
		if out, err := c.Kubectl(t.Context(), "", append(ada, "default")...); err == nil || !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("forbidden: %q, %v", out, err)
		}
	})
	t.Run("the node's processes are seen from the node", func(t *testing.T) {
		out, err := output(c.OnNode(t.Context(), "ip", "-brief", "link"))
		if err != nil || !strings.Contains(out, "intact0") {
			t.Errorf("links: %q, %v", out, err)
		}
	})
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	registry := startTestRegistry(t)
	pushBox(t, registry, "app:1.0.0", "one")
	c, err := StartCluster(t.Context(), ClusterConfig{Registries: []*Registry{registry}, ServiceAccounts: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		leavesNothing(t, c.place.dir)
	})
	runPod(t, c, "app", registry.Ref("app:1.0.0"))
	token, err := c.Exec(t.Context(), "default", "app", "", "", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
	if err != nil || strings.Count(token, ".") != 2 {
		t.Errorf("the pod's token: %q, %v", token, err)
	}
}

// runPod runs a pod of one container in the default namespace and returns its
// status.
func runPod(t *testing.T, c *Cluster, name, image string) corev1.ContainerStatus {
	t.Helper()
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: default, labels: {app: NAME}}
spec: {containers: [{name: app, image: IMAGE, imagePullPolicy: IfNotPresent}]}
`
	if err := c.Apply(t.Context(), strings.NewReplacer("NAME", name, "IMAGE", image).Replace(pod)); err != nil {
		t.Fatal(err)
	}
	pods, err := c.WaitReady(t.Context(), "default", "app="+name, 1)
	if err != nil {
		t.Fatal(err)
	}
	return pods[0].Status.ContainerStatuses[0]
}

func pushBox(t *testing.T, r *Registry, name, variant string) *testimage.Built {
	t.Helper()
	spec, err := Box(t.Context(), variant)
	if err != nil {
		t.Fatal(err)
	}
	built, err := PushSpec(t.Context(), t.TempDir(), spec, r.Ref(name))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestInventory(t *testing.T) {
	t.Parallel()
	inventory := Inventory{Pods: 1000}
	s, err := StartInventory(t.Context(), inventory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		leavesNothing(t, s.place.dir)
	})
	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != inventory.Pods {
		t.Fatalf("%d pods, want %d", len(pods.Items), inventory.Pods)
	}
	registry, err := StartInventoryRegistry(t.Context(), t.TempDir(), inventory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error(err)
		}
	})
	images := map[string]bool{}
	for _, p := range pods.Items {
		if len(p.OwnerReferences) != 1 || p.Status.Phase != corev1.PodRunning || len(p.Status.ContainerStatuses) != 2 {
			t.Fatalf("pod %q is not as one that runs: %+v", p.Name, p)
		}
		for _, c := range p.Status.ContainerStatuses {
			images[c.ImageID] = true
		}
	}
	// Each tag's digest, and the one that is a build behind.
	if want := 200 + 1; len(images) != want {
		t.Errorf("%d images run, want %d", len(images), want)
	}
	for id := range images {
		repository, digest, _ := strings.Cut(strings.TrimPrefix(id, InventoryAddr+"/"), "@")
		body := get(t, "http://"+registry.Addr+"/v2/"+repository+"/manifests/"+digest)
		if got := ref.DigestOf(body, ""); string(got) != digest {
			t.Fatalf("the registry answers %q for %q", body, id)
		}
	}
}
