package kubernetes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
)

// phaseOf says what a container does. s is nil while the kubelet has not told
// anything. What a waiting container's status still says of an image is of an
// earlier start.
//
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
func phaseOf(pod *corev1.Pod, c *corev1.Container, role fact.Role, s *corev1.ContainerStatus) fact.Phase {
	over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	switch {
	case over: // whatever the last status of a container was
		return fact.PhaseFinished
	case s == nil:
		return fact.PhaseWaiting
	case s.State.Running != nil:
		return fact.PhaseRunning
	case s.State.Terminated != nil && !restarts(pod, c, role, s.State.Terminated.ExitCode):
		return fact.PhaseFinished
	}
	return fact.PhaseWaiting
}

// restarts reports whether a container that ended with code is started again.
func restarts(pod *corev1.Pod, c *corev1.Container, role fact.Role, code int32) bool {
	if role == fact.RoleEphemeral || pod.DeletionTimestamp != nil {
		return false
	}
	for _, r := range c.RestartPolicyRules { // the first that fits decides
		if e := r.ExitCodes; e != nil && slices.Contains(e.Values, code) == (e.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	policy := pod.Spec.RestartPolicy
	if c.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*c.RestartPolicy)
	}
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	}
	return role != fact.RoleInit || code != 0 // an init container is done when it succeeded
}

// statusOf returns the status of a container; nil = there is none.
func statusOf(pod *corev1.Pod, name string, role fact.Role) *corev1.ContainerStatus {
	all := pod.Status.ContainerStatuses
	switch role {
	case fact.RoleInit, fact.RoleSidecar:
		all = pod.Status.InitContainerStatuses
	case fact.RoleEphemeral:
		all = pod.Status.EphemeralContainerStatuses
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}
