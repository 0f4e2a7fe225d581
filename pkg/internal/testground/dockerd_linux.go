package testground

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// DockerPackages are the Debian 12 packages of [StartDocker], [StartPodman] and
// [WriteApp].
func DockerPackages() []string {
	return []string{"busybox-static", "containerd", "docker.io", "iproute2", "iptables", "podman", "runc"}
}

// Moby is the engine of Docker 29, which stores images in containerd. To build it
// takes two cores some minutes.
var Moby = GoTool{"dockerd", "github.com/moby/moby/v2/cmd/dockerd", "v2.0.0-beta.24"}

// A Docker is a real engine on a node of its own: its containers, mounts and
// networks end with it, however the test ends.
type Docker struct {
	Host string // "unix://…", reachable from the machine
	// Proc and Mounts are the node's processes and mounts as the machine sees them:
	// what /proc and /proc/self/mountinfo are to a program on the node.
	Proc, Mounts string
	Dir          string // where the engine keeps its files; the machine sees them too

	place   *place
	nursery *nursery
	node    *node
	server  *server
}

// StartDocker starts an engine: Debian's (20.10, with a graph driver), or the one
// in the file dockerd, such as [Moby] (with containerd's store). Containers have
// no network.
func StartDocker(ctx context.Context, dockerd string) (*Docker, error) {
	return startDocker(ctx, "dockerd", func(d *Docker) (*exec.Cmd, error) {
		args := []string{"--data-root=" + d.place.path("data"), "--exec-root=" + d.place.path("exec"), "--host=" + d.Host, "--pidfile=" + d.place.path("pid"),
			"--cgroup-parent=/" + d.place.cgroup(), "--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false", "--userland-proxy=false"}
		if dockerd == "" {
			var err error
			if dockerd, err = Command("dockerd", "docker.io"); err != nil {
				return nil, err
			}
			return exec.Command(dockerd, args...), nil
		}
		wrapper, err := d.oldRunc()
		if err != nil {
			return nil, err
		}
		return exec.Command(dockerd, append(args, "--feature=containerd-snapshotter=true", "--add-runtime=old="+wrapper, "--default-runtime=old")...), nil
	})
}

// oldRunc wraps Debian's runc 1.1, which does not know the time namespaces that
// Docker 29 asks for.
func (d *Docker) oldRunc() (string, error) {
	runc, err := Command("runc", "runc")
	if err != nil {
		return "", err
	}
	name := d.place.path("runc")
	if err := writeFile(name, `#!/bin/sh
for a; do
  if [ "$last" = --bundle ]; then sed -i 's/,{"type":"time"}//' "$a/config.json"; fi
  last=$a
done
exec `+runc+` "$@"
`); err != nil {
		return "", err
	}
	return name, os.Chmod(name, 0o755)
}

// podmanConfig: a machine may forbid what Podman raises by default.
const podmanConfig = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
`

// StartPodman starts Podman's service, which answers as a Docker engine does.
func StartPodman(ctx context.Context) (*Docker, error) {
	return startDocker(ctx, "podman", func(d *Docker) (*exec.Cmd, error) {
		podman, err := Command("podman", "podman")
		if err != nil {
			return nil, err
		}
		conf := d.place.path("containers.conf")
		if err := writeFile(conf, podmanConfig); err != nil {
			return nil, err
		}
		cmd := exec.Command(podman, "--root="+d.place.path("data"), "--runroot="+d.place.path("exec"), "--storage-driver=overlay",
			"system", "service", "--time=0", d.Host)
		cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+conf)
		return cmd, nil
	})
}

func startDocker(ctx context.Context, name string, command func(*Docker) (*exec.Cmd, error)) (_ *Docker, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d := &Docker{}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start %s: %w", name, errors.Join(err, d.Close()))
		}
	}()
	if d.place, err = newPlace(); err != nil {
		return nil, err
	}
	d.nursery = newNursery()
	if d.node, err = startNode(ctx, d.place, d.nursery); err != nil {
		return nil, err
	}
	socket := d.place.path("docker.sock")
	d.Host, d.Dir = "unix://"+socket, d.place.path("data")
	process := filepath.Join("/proc", strconv.Itoa(d.node.init.cmd.Process.Pid))
	d.Proc, d.Mounts = filepath.Join(process, "root", "proc"), filepath.Join(process, "mountinfo")
	cmd, err := command(d)
	if err != nil {
		return nil, err
	}
	if d.server, err = startServer(d.node.inside, d.place, name, cmd); err != nil {
		return nil, err
	}
	return d, await(ctx, name, func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = d.Run(ctx, nil, "version")
		return err
	}, d.server)
}

// Run runs Docker's command against the engine and returns its output, without
// the last line's end. in may be nil.
func (d *Docker) Run(ctx context.Context, in io.Reader, args ...string) (string, error) {
	docker, err := Command("docker", "docker.io")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, docker, args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.Host, "DOCKER_CONTEXT=", "DOCKER_CONFIG="+d.place.path("config"), "DOCKER_API_VERSION=", "DOCKER_TLS_VERIFY=")
	cmd.Stdin = in
	out, err := output(cmd)
	return trimLine(out), err
}

func trimLine(s string) string {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		return s[:n-1]
	}
	return s
}

// Kill kills the engine as a crash would; its containers live on.
func (d *Docker) Kill() error { return d.server.stop(syscall.SIGKILL) }

// Close ends the engine with all that it started, and removes its files.
func (d *Docker) Close() error {
	var errs []error
	if d.node != nil {
		errs = append(errs, d.node.close())
	}
	if d.nursery != nil {
		d.nursery.close()
	}
	if d.place != nil {
		errs = append(errs, d.place.remove())
	}
	return errors.Join(errs...)
}

// WriteApp writes the files of an image as a tar: busybox, as /bin/sh and others,
// files of every kind that a run can change, and /var/run as most images have it.
// Every file is as old as the hills, so that time tells what was touched.
func WriteApp(w io.Writer) error {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("read busybox (apt-get install busybox-static): %w", err)
	}
	tw := tar.NewWriter(w)
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	add := func(h tar.Header, content string) {
		h.ModTime, h.Size = old, int64(len(content))
		err = errors.Join(err, tw.WriteHeader(&h))
		_, werr := io.WriteString(tw, content)
		err = errors.Join(err, werr)
	}
	for _, dir := range []string{"bin", "etc", "opt", "opt/app", "opt/app/data", "run", "srv", "tmp", "usr", "usr/bin", "usr/lib", "var"} {
		add(tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}, "")
	}
	add(tar.Header{Name: "bin/busybox", Mode: 0o755}, string(busybox))
	for _, applet := range []string{"cat", "chmod", "chown", "cp", "ln", "ls", "mkdir", "mv", "rm", "sh", "sleep", "touch"} {
		add(tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}, "")
	}
	add(tar.Header{Name: "var/run", Typeflag: tar.TypeSymlink, Linkname: "../run", Mode: 0o777}, "")
	add(tar.Header{Name: "usr/bin/tool", Mode: 0o755}, "#!/bin/sh\necho tool\n")
	add(tar.Header{Name: "usr/lib/libapp.so.1", Mode: 0o644}, "\x7fELF of libapp")
	add(tar.Header{Name: "usr/lib/libcut.so.1", Mode: 0o644}, "\x7fELF of libcut")
	add(tar.Header{Name: "etc/app.conf", Mode: 0o644}, "level = 1\n")
	add(tar.Header{Name: "etc/passwd", Mode: 0o644}, "root:x:0:0::/:/bin/sh\n")
	add(tar.Header{Name: "opt/app/run.sh", Mode: 0o755}, "#!/bin/sh\nexec sleep 1000\n")
	add(tar.Header{Name: "opt/app/data/one", Mode: 0o644}, "1\n")
	add(tar.Header{Name: "opt/app/data/two", Mode: 0o644}, "2\n")
	return errors.Join(err, tw.Close())
}
