package testground

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// template is what a Deployment's pods are made from, with about as many fields
// as real ones have.
func (f *filler) template(n int, name string) corev1.PodTemplateSpec {
	readOnly := n%2 == 0
	spec := corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Volumes: []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
	for c := range f.Containers {
		image := f.imageOf(n, c)
		ref := image.Ref()
		if pinned(n) {
			ref += "@" + string(image.Now.Root.Descriptor.Digest)
		}
		spec.Containers = append(spec.Containers, corev1.Container{
			Name: containerName(c), Image: ref, ImagePullPolicy: corev1.PullIfNotPresent,
			Env: []corev1.EnvVar{
				{Name: "LOG_LEVEL", Value: "info"}, {Name: "HTTP_PORT", Value: "8080"},
				{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			},
			Ports: []corev1.ContainerPort{{Name: fmt.Sprintf("http-%d", c), ContainerPort: int32(8080 + c)}},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
			},
			VolumeMounts:    []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app", ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"}},
			SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: &readOnly, AllowPrivilegeEscalation: new(false)},
		})
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app": name, "team": namespaceOf(n), "pod-template-hash": "7d9c8b6f4"},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
		},
		Spec: spec,
	}
}

func containerName(c int) string {
	if c == 0 {
		return "app"
	}
	return fmt.Sprintf("sidecar-%d", c)
}

// pod creates pod k of Deployment n and reports it as running, as a kubelet
// with containerd does.
func (f *filler) pod(ctx context.Context, r *appsv1.ReplicaSet, n, k int) error {
	number := n*f.Replicas + k
	node := f.nodeOf(number)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%05d", r.Name, k), Labels: r.Spec.Template.Labels, Annotations: r.Spec.Template.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
		},
		Spec: *r.Spec.Template.Spec.DeepCopy(),
	}
	p.Spec.NodeName = nodeName(node)
	pods := f.client.CoreV1().Pods(r.Namespace)
	p, err := pods.Create(ctx, p, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	started := metav1.NewTime(time.Date(2026, 11, 1, 8, 0, number%3600, 0, time.UTC))
	ip := fmt.Sprintf("10.%d.%d.%d", 2+number/62500, number/250%250, number%250+1)
	p.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &started, QOSClass: corev1.PodQOSBurstable,
		HostIP: nodeAddress(node), PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}},
	}
	for _, t := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: started})
	}
	for c := range f.Containers {
		image := f.imageOf(n, c)
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: containerName(c), Ready: true, Started: new(true), Image: image.Ref(),
			ImageID:     image.digested(drifted(n, k, c)),
			ContainerID: fmt.Sprintf("containerd://%064x", number*f.Containers+c+1),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		})
	}
	_, err = pods.UpdateStatus(ctx, p, metav1.UpdateOptions{})
	return err
}
