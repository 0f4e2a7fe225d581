package testground

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Kubernetes are the commands of one release of Kubernetes.
type Kubernetes struct {
	Version string // "v1.34.2"
	// Files, each one static binary.
	APIServer, ControllerManager, Scheduler, Kubelet, Kubectl string
}

// BuildKubernetes returns the commands of the release that the module in
// testdata/kubernetes names. It builds them first if the cache does not hold
// them, which takes two cores some minutes.
func BuildKubernetes(ctx context.Context) (Kubernetes, error) {
	k, err := buildKubernetes(ctx)
	if err != nil {
		return Kubernetes{}, fmt.Errorf("build Kubernetes: %w", err)
	}
	return k, nil
}

func buildKubernetes(ctx context.Context) (Kubernetes, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return Kubernetes{}, err
	}
	module := filepath.Join(root, "testdata", "kubernetes")
	version, key, err := kubernetesVersion(module)
	if err != nil {
		return Kubernetes{}, err
	}
	var dir string
	err = locked("kubernetes", func(cache string) error {
		dir = filepath.Join(cache, "kubernetes-"+key)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		tmp, err := os.MkdirTemp(cache, "kubernetes-work-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		// The version is what the servers and the kubelet report; without it
		// they are v0.0.0-master.
		stamp := "-s -w -X k8s.io/component-base/version.gitVersion=" + version
		if n := strings.Split(strings.TrimPrefix(version, "v"), "."); len(n) > 1 {
			stamp += " -X k8s.io/component-base/version.gitMajor=" + n[0] + " -X k8s.io/component-base/version.gitMinor=" + n[1]
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", stamp, "-o", tmp+string(filepath.Separator), "tool")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0")
		if _, err := output(cmd); err != nil {
			return err
		}
		if err := os.Chmod(tmp, 0o755); err != nil {
			return err
		}
		return os.Rename(tmp, dir)
	})
	command := func(name string) string { return filepath.Join(dir, name+exeSuffix()) }
	return Kubernetes{
		Version: version, APIServer: command("kube-apiserver"), ControllerManager: command("kube-controller-manager"),
		Scheduler: command("kube-scheduler"), Kubelet: command("kubelet"), Kubectl: command("kubectl"),
	}, err
}

// kubernetesVersion reads the release that a module asks for. The key tells two
// sets of modules of one release apart.
func kubernetesVersion(module string) (version, key string, err error) {
	name := filepath.Join(module, "go.mod")
	b, err := os.ReadFile(name)
	if err != nil {
		return "", "", err
	}
	m, err := modfile.Parse(name, b, nil)
	if err != nil {
		return "", "", err
	}
	for _, r := range m.Require {
		if r.Mod.Path == "k8s.io/kubernetes" {
			return r.Mod.Version, fmt.Sprintf("%s-%.6x", r.Mod.Version, sha256.Sum256(b)), nil
		}
	}
	return "", "", fmt.Errorf("%s does not require k8s.io/kubernetes", name)
}

// moduleRoot is the folder of this module, which the working folder of a test
// is in.
func moduleRoot(ctx context.Context) (string, error) {
	mod, err := run(ctx, "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	mod = strings.TrimSpace(mod)
	if mod == "" || mod == os.DevNull {
		return "", errors.New("find testdata/kubernetes: run this in a folder of the repository")
	}
	return filepath.Dir(mod), nil
}
