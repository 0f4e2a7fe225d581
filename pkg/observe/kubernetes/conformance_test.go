package kubernetes

import (
	"fmt"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/observetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, onlyJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("onlyJSON=%v", onlyJSON), func(t *testing.T) {
			t.Parallel()
			observetest.Run(t, observetest.Suite{
				Roles: []fact.Role{fact.RoleMain, fact.RoleInit, fact.RoleSidecar, fact.RoleEphemeral, fact.RoleVolume},
				Pods:  true, Namespaces: true,
				Open: func(t *testing.T, p *observetest.Place) observe.Observer { return openPlace(t, p, onlyJSON) },
			})
		})
	}
}

func openPlace(t *testing.T, p *observetest.Place, onlyJSON bool) observe.Observer {
	f := newFake(t)
	f.onlyJSON = onlyJSON
	all := map[string]*corev1.Pod{}
	hidden := map[string]bool{}
	for _, c := range p.Containers {
		key := c.Namespace + "/" + c.Pod
		if all[key] == nil {
			all[key] = &corev1.Pod{ObjectMeta: meta(c.Namespace, c.Pod, nil, nil), Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways}}
			f.add(pods, all[key])
		}
		put(all[key], c)
		hidden[c.Namespace] = hidden[c.Namespace] || c.Hidden
	}
	var o Options
	seen := map[string]bool{}
	for _, c := range p.Containers {
		if p.Fault == observetest.HidesPart && !seen[c.Namespace] {
			seen[c.Namespace] = true
			f.add(namespaces, &corev1.Namespace{ObjectMeta: meta("", c.Namespace, nil, nil)})
		}
	}
	f.deny = func(c call) bool {
		return p.Fault == observetest.HidesPart && c.resource == "pods" && (c.namespace == "" || hidden[c.namespace])
	}
	f.intercept = func(w http.ResponseWriter, r *http.Request, c call) bool {
		if c.resource != "pods" || c.token == "" {
			return false
		}
		switch p.Fault {
		case observetest.Dies:
			panic(http.ErrAbortHandler)
		case observetest.Hangs:
			p.Hung()
			<-r.Context().Done()
			return true
		}
		return false
	}
	return f.open(o)
}

// put adds c to a pod.
func put(p *corev1.Pod, c observetest.Container) {
	always := corev1.ContainerRestartPolicyAlways
	s := corev1.ContainerStatus{Name: c.Name, ImageID: c.Reported, ContainerID: "containerd://" + c.Pod + c.Name}
	switch c.Phase {
	case fact.PhaseRunning:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon)}
		p.Status.Phase = corev1.PodRunning
	case fact.PhaseWaiting:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
	case fact.PhaseFinished:
		s.State.Terminated = &corev1.ContainerStateTerminated{}
		p.Status.Phase = corev1.PodSucceeded
	}
	switch c.Role {
	case fact.RoleMain:
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c.Name, Image: c.Image})
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, s)
	case fact.RoleInit, fact.RoleSidecar:
		i := corev1.Container{Name: c.Name, Image: c.Image}
		if c.Role == fact.RoleSidecar {
			i.RestartPolicy = &always
		}
		p.Spec.InitContainers = append(p.Spec.InitContainers, i)
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, s)
	case fact.RoleEphemeral:
		p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: c.Name, Image: c.Image}})
		p.Status.EphemeralContainerStatuses = append(p.Status.EphemeralContainerStatuses, s)
	case fact.RoleVolume:
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: c.Name, VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: c.Image}}})
		mount := &p.Status.ContainerStatuses[0]
		mount.VolumeMounts = append(mount.VolumeMounts, corev1.VolumeMountStatus{Name: c.Name, MountPath: "/" + c.Name,
			VolumeStatus: &corev1.VolumeStatus{Image: &corev1.ImageVolumeStatus{ImageRef: c.Reported}}})
	}
}
