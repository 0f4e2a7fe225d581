package testground

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// A node is a machine within the machine: a set of mount, process and network
// namespaces. What is mounted, started or connected there is the kernel's to
// remove, all at once, when the first process ends, and that one ends with the
// test. Files are shared with the machine, except below /run, /var/lib and
// /var/log.
type node struct {
	place    *place
	init     *server
	inside   *nursery
	forwards forwards
}

// nodeIP is the address of a node in its own network.
const nodeIP = "10.244.255.1"

// nodeInit is the first process of a node. $1: a folder with files for
// /proc/sys, which cover what the kubelet would set for the whole machine. $2: a
// control group, which becomes the root of each hierarchy, of version 1 or 2, so
// that groups of containers are made in it. Bash reaps what is orphaned while it
// waits for the end of its input, which is the test's.
const nodeInit = `
set -eu
mount --make-rprivate /
mount -t proc proc /proc
for dir in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$dir"; done
cd "$1"
for file in */* */*/*; do
  if [ -f "$file" ] && [ -f "/proc/sys/$file" ]; then mount --bind "$file" "/proc/sys/$file"; fi
done
cd /
for top in /sys/fs/cgroup/* /sys/fs/cgroup; do
  if [ -L "$top" ] || [ ! -f "$top/cgroup.procs" ]; then continue; fi
  group=$top/$2
  mkdir "$group"
  # Nothing is inherited here, and without processors there are no processes.
  for file in cpuset.cpus cpuset.mems; do
    if [ -f "$group/$file" ] && [ ! -f "$top/cgroup.controllers" ]; then cat "$top/$file" >"$group/$file"; fi
  done
  # Moved there, not mounted over it: runc takes the first mount that it finds.
  mkdir /run/group
  mount --bind "$group" /run/group
  umount "$top"
  mount --move /run/group "$top"
  rmdir /run/group
done
ip link set lo up
ip address add ` + nodeIP + `/32 dev lo
echo ready
read -r _ || :
`

// kubeletTunables are the kernel's settings that the kubelet wants, by their
// file below /proc/sys.
//
// https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/kubelet/cm/container_manager_linux.go#L440
func kubeletTunables() map[string]string {
	return map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	}
}

// startNode makes a node whose first process belongs to outside.
func startNode(ctx context.Context, p *place, outside *nursery) (_ *node, err error) {
	if _, err := Command("ip", "iproute2"); err != nil {
		return nil, err
	}
	tunables := p.path("sysctl")
	for name, value := range kubeletTunables() {
		if err := writeFile(filepath.Join(tunables, name), value+"\n"); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("bash", "-c", nodeInit, "bash", tunables, p.cgroup())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET}
	if _, err := cmd.StdinPipe(); err != nil { // never written; closed by Wait
		return nil, err
	}
	says, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer says.Close()
	cmd.Stdout = write
	n := &node{place: p}
	n.init, err = startServer(outside, p, "node", cmd)
	write.Close()
	if err != nil {
		return nil, fmt.Errorf("%w (making namespaces needs root)", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	stop := context.AfterFunc(ctx, func() { n.init.cmd.Process.Kill() })
	line, err := bufio.NewReader(says).ReadString('\n')
	if !stop() || err != nil || line != "ready\n" {
		return nil, fmt.Errorf("set up the node: it said %q, want %q\n%s", line, "ready\n", logs(n.init))
	}
	n.inside, err = enterNursery(n.init.cmd.Process.Pid)
	return n, err
}

// command runs a command on the node, where it sees the node's processes and mounts. It ends with the node, not with its context.
func (n *node) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	pid := strconv.Itoa(n.init.cmd.Process.Pid)
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", pid, "--mount", "--pid", "--net", "--", name}, args...)...)
}

func (n *node) close() error {
	n.forwards.close()
	if n.inside != nil {
		n.inside.close()
	}
	// The process is reaped after everything else in its namespace.
	return n.init.stop(syscall.SIGKILL)
}
