package testground

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// criConfig is the configuration of a containerd that keeps everything in one
// folder. restrict_oom_score_adj: a machine may lack CAP_SYS_RESOURCE.
//
// https://github.com/containerd/containerd/blob/v1.6.20/docs/cri/config.md
const criConfig = `version = 2
root = %[1]q
state = %[2]q
[grpc]
  address = %[3]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[4]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[5]q
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = %[6]q
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = %[7]q
`

// bridge is the network of pods. Nothing leaves it: no address is translated.
const bridge = `{
  "cniVersion": "1.0.0", "name": "pods",
  "plugins": [{
    "type": "bridge", "bridge": "intact0", "isGateway": true, "ipMasq": false,
    "ipam": {"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
`

const mirrorConfig = `[host.%q]
  capabilities = ["pull", "resolve"]
`

// startContainerd starts the containerd that the kubelet uses, and waits until
// its CRI answers.
func (c *Cluster) startContainerd(ctx context.Context, config ClusterConfig) error {
	bin, err := Command("containerd", "containerd")
	if err != nil {
		return err
	}
	for command, pkg := range map[string]string{"runc": "runc", "iptables": "iptables", "/usr/lib/cni/bridge": "containernetworking-plugins"} {
		if _, err := Command(command, pkg); err != nil {
			return err
		}
	}
	sandbox, err := pushPause(ctx, c.place.path("pause"), config.Registries[0])
	if err != nil {
		return err
	}
	file := c.place.path
	c.Socket, c.Root = file("containerd.sock"), file("containerd", "root")
	files := map[string]string{
		file("containerd.toml"): fmt.Sprintf(criConfig, c.Root, file("containerd", "state"), c.Socket,
			file("containerd", "opt"), sandbox, file("cni", "net.d"), file("mirrors")),
		file("cni", "net.d", "10-pods.conflist"): fmt.Sprintf(bridge, file("cni", "data")),
	}
	for name, addr := range config.Mirrors {
		files[file("mirrors", name, "hosts.toml")] = fmt.Sprintf(mirrorConfig, "http://"+addr)
	}
	for name, content := range files {
		if err := writeFile(name, content); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(file("mirrors"), 0o755); err != nil {
		return err
	}
	if err := c.run("containerd", bin, "--config="+file("containerd.toml")); err != nil {
		return err
	}
	return await(ctx, "containerd", func(ctx context.Context) error {
		_, err := c.Ctr(ctx, "version")
		return err
	}, c.servers...)
}

// Ctr runs ctr in the namespace of Kubernetes and returns what it printed.
func (c *Cluster) Ctr(ctx context.Context, args ...string) (string, error) {
	ctr, err := Command("ctr", "containerd")
	if err != nil {
		return "", err
	}
	return output(exec.CommandContext(ctx, ctr, append([]string{"--address", c.Socket, "--namespace", "k8s.io"}, args...)...))
}

// Load puts an image into the node's containerd under a name, as "ctr images
// import" does. It was pulled from nowhere, so it has no repository digest.
func (c *Cluster) Load(ctx context.Context, built *testimage.Built, name string) error {
	files, err := testimage.LayoutFiles(testimage.Entry{Built: built, Annotations: map[string]string{"io.containerd.image.name": name}})
	if err != nil {
		return fmt.Errorf("load %q: %w", name, err)
	}
	f, err := os.CreateTemp(c.place.dir, "load-*.tar")
	if err != nil {
		return fmt.Errorf("load %q: %w", name, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := testimage.WriteTar(f, files); err != nil {
		return fmt.Errorf("load %q: %w", name, err)
	}
	_, err = c.Ctr(ctx, "images", "import", f.Name())
	return err
}

// pushPause pushes the image of pods' sandboxes.
func pushPause(ctx context.Context, dir string, r *Registry) (string, error) {
	box, err := Box(ctx, "pause")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	to := r.Ref("pause:1")
	_, err = PushSpec(ctx, dir, box, to)
	return to, err
}

// kubeletConfig: the machine's control groups may be of version 1, which later
// kubelets refuse. Statuses come quickly.
//
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: %[1]s
containerRuntimeEndpoint: unix://%[2]s
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
evictionHard: {memory.available: 10Mi, nodefs.available: 10Mi, imagefs.available: 10Mi, nodefs.inodesFree: "10"}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 2s
podLogsDir: %[3]s
volumePluginDir: %[4]s
registryPullQPS: 0
eventRecordQPS: 0
`

func (c *Cluster) startKubelet() error {
	user := "system:node:" + NodeName
	if err := c.kubeconfigInside(user); err != nil {
		return err
	}
	file := c.place.path
	config := fmt.Sprintf(kubeletConfig, nodeIP, c.Socket, file("pod-logs"), file("volume-plugins"))
	if err := writeFile(file("kubelet.yaml"), config); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Clean(file("pod-logs")), 0o755); err != nil {
		return err
	}
	return c.run("kubelet", c.Kubernetes.Kubelet, "--config="+file("kubelet.yaml"), "--kubeconfig="+c.insideFile(user),
		"--root-dir="+file("kubelet"), "--cert-dir="+file("kubelet", "pki"), "--hostname-override="+NodeName, "--node-ip="+nodeIP)
}
