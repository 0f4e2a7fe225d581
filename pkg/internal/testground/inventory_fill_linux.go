package testground

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"golang.org/x/sync/errgroup"
)

// inventoryNamespaces is over how many namespaces Deployments are spread.
const inventoryNamespaces = 20

// A filler writes an inventory into an API server.
type filler struct {
	Inventory
	images []InventoryImage
	client kubernetes.Interface
}

func (i Inventory) fill(ctx context.Context, s *APIServer) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	images, err := i.Images()
	if err != nil {
		return err
	}
	f := &filler{Inventory: i.withDefaults(), images: images, client: client}
	if err := f.nodes(ctx); err != nil {
		return err
	}
	for n := range inventoryNamespaces {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceOf(n)}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create a namespace: %w", err)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for n := 0; n*f.Replicas < f.Pods; n++ {
		g.Go(func() error {
			if err := f.deployment(ctx, n); err != nil {
				return fmt.Errorf("create deployment %d: %w", n, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func namespaceOf(deployment int) string {
	return fmt.Sprintf("team-%02d", deployment%inventoryNamespaces)
}

func (f *filler) nodeOf(pod int) int { return pod % f.Nodes }

func nodeName(n int) string { return fmt.Sprintf("node-%04d", n) }

func nodeAddress(n int) string { return fmt.Sprintf("10.1.%d.%d", n/250, n%250+1) }

// nodes creates the nodes, with the 50 images at most that a kubelet reports.
func (f *filler) nodes(ctx context.Context) error {
	for n := range f.Nodes {
		arch := "amd64"
		if n%5 == 4 {
			arch = "arm64"
		}
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(n), Labels: map[string]string{
			"kubernetes.io/os": "linux", "kubernetes.io/arch": arch, "kubernetes.io/hostname": nodeName(n),
		}}}
		node, err := f.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("create a node: %w", err)
		}
		node.Status = corev1.NodeStatus{
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: arch, KubeletVersion: "v1.34.2",
				ContainerRuntimeVersion: "containerd://2.1.4", OSImage: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-38",
			},
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeAddress(n)}},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
		}
		for k := range min(50, len(f.images)) {
			image := f.images[(n+k)%len(f.images)]
			node.Status.Images = append(node.Status.Images, corev1.ContainerImage{
				Names: []string{image.digested(false), image.Ref()}, SizeBytes: 50_000_000,
			})
		}
		if _, err := f.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("report a node: %w", err)
		}
	}
	return nil
}

// digested is the reference by the digest of a build.
func (i InventoryImage) digested(before bool) string {
	built := i.Now
	if before {
		built = i.Before
	}
	return i.Repository + "@" + string(built.Root.Descriptor.Digest)
}

// deployment creates Deployment n with its ReplicaSet and pods.
func (f *filler) deployment(ctx context.Context, n int) error {
	ns, name := namespaceOf(n), fmt.Sprintf("app-%05d", n)
	pods := min(f.Replicas, f.Pods-n*f.Replicas)
	template := f.template(n, name)
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	replicas := int32(pods)
	d, err := f.client.AppsV1().Deployments(ns).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name, "team": ns}},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	r, err := f.client.AppsV1().ReplicaSets(ns).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: name + "-7d9c8b6f4", Labels: d.Spec.Template.Labels,
			Annotations:     map[string]string{"deployment.kubernetes.io/revision": "1"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas}
	if _, err := f.client.AppsV1().Deployments(ns).UpdateStatus(ctx, d, metav1.UpdateOptions{}); err != nil {
		return err
	}
	r.Status = appsv1.ReplicaSetStatus{ObservedGeneration: r.Generation, Replicas: replicas, FullyLabeledReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas}
	if _, err := f.client.AppsV1().ReplicaSets(ns).UpdateStatus(ctx, r, metav1.UpdateOptions{}); err != nil {
		return err
	}
	for k := range pods {
		if err := f.pod(ctx, r, n, k); err != nil {
			return fmt.Errorf("pod %d: %w", k, err)
		}
	}
	return nil
}

func (f *filler) imageOf(deployment, container int) InventoryImage {
	return f.images[(deployment*f.Containers+container)%len(f.images)]
}

// pinned says whether a Deployment names its images by digest as well.
func pinned(deployment int) bool { return deployment%4 == 3 }

// drifted says whether a container runs the build before.
func drifted(deployment, pod, container int) bool {
	return deployment%100 == 50 && pod == 0 && container == 0 && !pinned(deployment)
}
