package testground

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Kubectl runs kubectl as a user who may do everything, with stdin as its
// input, and returns what it printed.
func (s *APIServer) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.Kubernetes.Kubectl, append([]string{"--kubeconfig", s.Kubeconfig, "--cache-dir", s.place.path("kubectl")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	return output(cmd)
}

// Apply creates or changes the objects of YAML documents.
func (s *APIServer) Apply(ctx context.Context, documents string) error {
	_, err := s.Kubectl(ctx, documents, "apply", "-f", "-")
	return err
}

// Exec runs a command in a container of a pod ("" = its first) and returns what
// it printed.
func (s *APIServer) Exec(ctx context.Context, namespace, pod, container, stdin string, command ...string) (string, error) {
	args := []string{"exec", "--stdin", "--namespace", namespace, pod}
	if container != "" {
		args = append(args, "--container", container)
	}
	return s.Kubectl(ctx, stdin, append(append(args, "--"), command...)...)
}

// Debug adds an ephemeral container called name to a pod, as kubectl debug does,
// and waits until it runs.
func (s *APIServer) Debug(ctx context.Context, namespace, pod, name, image string, command ...string) error {
	args := []string{"debug", "--namespace", namespace, pod, "--container", name, "--image", image, "--profile", "general", "--quiet", "--attach=false"}
	if len(command) > 0 {
		args = append(append(args, "--"), command...)
	}
	if _, err := s.Kubectl(ctx, "", args...); err != nil {
		return err
	}
	_, err := s.WaitPods(ctx, namespace, "", fmt.Sprintf("container %q of pod %q to run", name, pod), func(pods []corev1.Pod) error {
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Name == pod })
		if i < 0 {
			return errors.New("no such pod")
		}
		statuses := pods[i].Status.EphemeralContainerStatuses
		for _, c := range statuses {
			if c.Name == name && c.State.Running != nil {
				return nil
			}
		}
		return fmt.Errorf("ephemeral containers are %+v", statuses)
	})
	return err
}

// WaitReady waits until exactly n pods of a selector ("app=cart"; "" = all of
// the namespace) are there and all are ready, and returns them by name. A pod
// that is about to go is still there.
func (s *APIServer) WaitReady(ctx context.Context, namespace, selector string, n int) ([]corev1.Pod, error) {
	return s.WaitPods(ctx, namespace, selector, fmt.Sprintf("%d ready pods", n), func(pods []corev1.Pod) error {
		if len(pods) != n {
			return fmt.Errorf("%d pods", len(pods))
		}
		for _, p := range pods {
			if err := ready(p); err != nil {
				return fmt.Errorf("pod %q: %w", p.Name, err)
			}
		}
		return nil
	})
}

func ready(p corev1.Pod) error {
	if p.DeletionTimestamp != nil {
		return errors.New("is about to go")
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	why := "is " + string(p.Status.Phase)
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil {
			why += fmt.Sprintf("; container %q waits: %s %s", c.Name, w.Reason, w.Message)
		}
	}
	return errors.New(why)
}

// WaitPods waits until a condition that what describes holds for the pods of a
// selector, and returns them by name. The error says what the condition said
// last, and what happened in the namespace.
func (s *APIServer) WaitPods(ctx context.Context, namespace, selector, what string, holds func([]corev1.Pod) error) ([]corev1.Pod, error) {
	client, err := s.Client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not so after %s", startTimeout))
	defer cancel()
	var pods []corev1.Pod
	err = await(ctx, fmt.Sprintf("%s (namespace %q, selector %q)", what, namespace, selector), func(ctx context.Context) error {
		list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		pods = list.Items
		return holds(pods)
	}, s.servers...)
	if err != nil {
		return nil, fmt.Errorf("%w--- events\n%s", err, events(context.WithoutCancel(ctx), client, namespace))
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods, nil
}

// events are the latest of a namespace, as part of an error.
func events(ctx context.Context, client kubernetes.Interface, namespace string) string {
	ctx, cancel := context.WithTimeout(ctx, startTimeout/30)
	defer cancel()
	list, err := client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range list.Items[max(0, len(list.Items)-30):] {
		fmt.Fprintf(&b, "%s %s: %s %s\n", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}
	return b.String()
}
