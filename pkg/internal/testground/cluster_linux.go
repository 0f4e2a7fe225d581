package testground

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// NodeName is the name of a cluster's only node.
const NodeName = "node1"

// A Cluster is a Kubernetes cluster of one node that runs pods: API server,
// etcd, controller manager, scheduler, kubelet and a containerd of its own. It
// all lives in a node: on the machine only the API server's address and files
// are seen.
type Cluster struct {
	*APIServer
	// Socket is the containerd's, for its own API and for CRI; Root its root
	// folder, where the layers of containers are.
	Socket, Root string

	node    *node
	outside *nursery
}

// ClusterConfig says how a cluster differs from the usual one.
type ClusterConfig struct {
	// Registries can be pulled from, under their own addresses. At least one:
	// the first gets the sandbox image, as pause:1.
	Registries []*Registry
	// Mirrors are names of registries ("registry.example") and the address of
	// the one that containerd pulls their images from.
	Mirrors         map[string]string
	ServiceAccounts ServiceAccounts
}

// StartCluster starts a cluster and waits until its node is ready for pods. It
// lives until Close, or until the test's process ends. It needs root.
func StartCluster(ctx context.Context, config ClusterConfig) (*Cluster, error) {
	if len(config.Registries) == 0 {
		return nil, errors.New("start a cluster: it needs a registry to pull from")
	}
	k, err := BuildKubernetes(ctx) // in its own time
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not up after %s", startTimeout))
	defer cancel()
	p, err := newPlace()
	if err != nil {
		return nil, err
	}
	c := &Cluster{APIServer: &APIServer{Kubernetes: k, place: p}, outside: newNursery()}
	if err := c.start(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("start a cluster: %w", err), c.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, config ClusterConfig) (err error) {
	if c.node, err = startNode(ctx, c.place, c.outside); err != nil {
		return err
	}
	c.nursery, c.network = c.node.inside, c.node
	for _, r := range config.Registries {
		if err := c.node.letOut(r.Addr); err != nil {
			return err
		}
	}
	if err := c.startContainerd(ctx, config); err != nil {
		return err
	}
	if err := c.APIServer.start(ctx, config.ServiceAccounts); err != nil {
		return err
	}
	if err := c.startControl(config.ServiceAccounts); err != nil {
		return err
	}
	if err := c.startKubelet(); err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	return await(ctx, "the node to be ready", func(ctx context.Context) error {
		if config.ServiceAccounts { // without its namespace's, a pod is refused
			if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
				return err
			}
		}
		return nodeReady(ctx, client)
	}, c.servers...)
}

// startControl starts what turns Deployments into pods with a node. Both are
// members of system:masters: the rights of their own roles are not what tests
// are about.
func (c *Cluster) startControl(accounts ServiceAccounts) error {
	file := c.place.path
	for _, user := range []string{"system:kube-controller-manager", "system:kube-scheduler"} {
		if err := c.kubeconfigInside(user); err != nil {
			return err
		}
	}
	args := []string{"--kubeconfig=" + c.insideFile("system:kube-controller-manager"), "--leader-elect=false", "--bind-address=127.0.0.1",
		"--cert-dir=" + file("certs"), "--service-account-private-key-file=" + file("sa.key"), "--root-ca-file=" + file("ca.crt")}
	if !accounts {
		args = append(args, "--controllers=*,-serviceaccount-controller,-root-ca-certificate-publisher-controller")
	}
	if err := c.run("kube-controller-manager", c.Kubernetes.ControllerManager, args...); err != nil {
		return err
	}
	return c.run("kube-scheduler", c.Kubernetes.Scheduler, "--kubeconfig="+c.insideFile("system:kube-scheduler"), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--cert-dir="+file("certs"))
}

// kubeconfigInside writes a kubeconfig for a part of the cluster, which sees the
// API server at its own address.
func (c *Cluster) kubeconfigInside(user string) error {
	addr, err := c.network.addr(apiPort)
	if err != nil {
		return err
	}
	return c.authority.kubeconfig(c.insideFile(user), addr, user, "system:masters", "system:nodes")
}

func (c *Cluster) insideFile(user string) string {
	return c.place.path(strings.ReplaceAll(user, ":", "-") + ".kubeconfig")
}

// nodeReady asks whether pods can be placed on the node.
func nodeReady(ctx context.Context, client kubernetes.Interface) error {
	n, err := client.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
	if i < 0 {
		return errors.New("the kubelet has not reported yet")
	}
	if r := n.Status.Conditions[i]; r.Status != corev1.ConditionTrue {
		return fmt.Errorf("%s: %s", r.Reason, r.Message)
	}
	if len(n.Spec.Taints) > 0 {
		return fmt.Errorf("the node has taints: %v", n.Spec.Taints)
	}
	return nil
}

// OnNode is a command that runs on the node: it sees the node's processes,
// mounts and network, and the machine's files. It ends with the cluster at the
// latest, not with its context.
func (c *Cluster) OnNode(ctx context.Context, name string, args ...string) *exec.Cmd {
	return c.node.command(ctx, name, args...)
}

// Close stops everything that runs in the cluster and removes what it kept.
func (c *Cluster) Close() error {
	var err error
	if c.node != nil {
		err = c.node.close()
		for _, s := range c.servers {
			err = errors.Join(err, s.stop(syscall.SIGKILL))
		}
	}
	c.outside.close()
	return errors.Join(err, c.place.remove())
}
