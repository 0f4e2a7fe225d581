package testground

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// A Containerd is a running containerd (Debian's 1.6) with its CRI plugin, in a
// node of its own. Its socket and the layers of its containers are on the
// machine's file system, its mounts and processes are not.
type Containerd struct {
	// Socket is for its own API and for the CRI.
	Socket string
	// Root is its root folder, below which snapshots and content are plain files.
	Root string

	place   *place
	outside *nursery
	node    *node
	server  *server
	execs   atomic.Int64
}

// SandboxImage is the image of pods' sandboxes. It has to be imported, as any
// other, before the CRI can make one.
const SandboxImage = "registry.example/pause:1"

// StartContainerd starts a containerd and waits until it answers. It lives until
// Close, or until the test's process ends. It needs root.
func StartContainerd(ctx context.Context) (*Containerd, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not up after %s", startTimeout))
	defer cancel()
	p, err := newPlace()
	if err != nil {
		return nil, err
	}
	c := &Containerd{Socket: p.path("containerd.sock"), Root: p.path("containerd", "root"), place: p, outside: newNursery()}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start containerd: %w", err), c.Close())
	}
	return c, nil
}

func (c *Containerd) start(ctx context.Context) (err error) {
	bin, err := Command("containerd", "containerd")
	if err != nil {
		return err
	}
	for command, pkg := range map[string]string{"ctr": "containerd", "runc": "runc"} {
		if _, err := Command(command, pkg); err != nil {
			return err
		}
	}
	file := c.place.path
	config := fmt.Sprintf(criConfig, c.Root, file("containerd", "state"), c.Socket, file("containerd", "opt"), SandboxImage, file("cni"), file("mirrors"))
	if err := writeFile(file("containerd.toml"), config); err != nil {
		return err
	}
	if err := os.MkdirAll(file("mirrors"), 0o755); err != nil {
		return err
	}
	if c.node, err = startNode(ctx, c.place, c.outside); err != nil {
		return err
	}
	if c.server, err = startServer(c.node.inside, c.place, "containerd", exec.Command(bin, "--config="+file("containerd.toml"))); err != nil {
		return err
	}
	return await(ctx, "containerd", func(ctx context.Context) error {
		_, err := c.Ctr(ctx, "default", "version")
		return err
	}, c.server)
}

// Ctr runs ctr on the node, in a namespace of containerd, and returns what it
// printed.
func (c *Containerd) Ctr(ctx context.Context, namespace string, args ...string) (string, error) {
	return output(c.ctr(ctx, namespace, args...))
}

func (c *Containerd) ctr(ctx context.Context, namespace string, args ...string) *exec.Cmd {
	return c.node.command(ctx, "ctr", append([]string{"--address", c.Socket, "--namespace", namespace}, args...)...)
}

// Import puts an image into a namespace under a name and unpacks it.
func (c *Containerd) Import(ctx context.Context, namespace, name string, built *testimage.Built) error {
	files, err := testimage.LayoutFiles(testimage.Entry{Built: built, Annotations: map[string]string{"io.containerd.image.name": name}})
	if err != nil {
		return fmt.Errorf("import %q: %w", name, err)
	}
	var archive bytes.Buffer
	if err := testimage.WriteTar(&archive, files); err != nil {
		return fmt.Errorf("import %q: %w", name, err)
	}
	cmd := c.ctr(ctx, namespace, "images", "import", "-")
	cmd.Stdin = &archive
	_, err = output(cmd)
	return err
}

// Run starts a container of an image that was imported, with flags of "ctr run".
func (c *Containerd) Run(ctx context.Context, namespace, image, id string, flags ...string) error {
	args := append([]string{"run", "--detach", "--null-io", "--cgroup", c.CgroupParent() + "/" + id}, flags...)
	_, err := c.Ctr(ctx, namespace, append(args, image, id)...)
	return err
}

// Exec runs a command in a container and returns what it printed. It has no
// standard input: ctr may miss the end of one.
func (c *Containerd) Exec(ctx context.Context, namespace, id string, args ...string) (string, error) {
	return c.Ctr(ctx, namespace, append([]string{"tasks", "exec", "--exec-id", fmt.Sprintf("exec-%d", c.execs.Add(1)), id}, args...)...)
}

// CgroupParent is the control group that containers and pods are to be in, so
// that nothing is left of them. It is absolute: runc takes another one from its
// own group, which may be outside of what the node sees.
func (c *Containerd) CgroupParent() string { return "/" + c.place.cgroup() }

// Kill ends containerd itself, as a crash does; what it started goes on.
func (c *Containerd) Kill() error { return c.server.stop(syscall.SIGKILL) }

// Close stops everything that runs there and removes what it kept.
func (c *Containerd) Close() error {
	var err error
	if c.node != nil {
		err = errors.Join(c.node.close(), c.server.stop(syscall.SIGKILL))
	}
	c.outside.close()
	return errors.Join(err, c.place.remove())
}
