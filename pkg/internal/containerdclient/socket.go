package containerdclient

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// Flag is how a user names the socket.
const Flag = "--runtime-endpoint"

// CRIO is where CRI-O's socket usually is.
const CRIO = "/run/crio/crio.sock"

// Sockets are where containerd's socket usually is: its own, that of k3s and
// rke2, of k0s, and of microk8s. Docker's private containerd is at
// /run/docker/containerd/containerd.sock and is looked at only when it is named:
// its containers are Docker's.
func Sockets() []string {
	return []string{
		"/run/containerd/containerd.sock",
		"/run/k3s/containerd/containerd.sock",
		"/run/k0s/containerd.sock",
		"/var/snap/microk8s/common/run/containerd.sock",
	}
}

// Discover returns which of candidates are there, in their order. The error says
// where it looked if none is.
func Discover(candidates []string) ([]string, error) {
	var found []string
	for _, path := range candidates {
		// One that may not even be looked at is there; connecting says why not.
		if _, err := os.Stat(path); err == nil || errors.Is(err, fs.ErrPermission) {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, &image.Error{Op: "find", Object: "the socket of containerd", Cause: fact.NotFound,
			Err:  fmt.Errorf("none of %s is there", strings.Join(candidates, ", ")),
			Hint: "name it: " + Flag + " unix:///path/to/containerd.sock"}
	}
	return found, nil
}

// socketPath takes the path out of an address.
func socketPath(address string) (string, error) {
	path, scheme := address, ""
	if before, after, ok := strings.Cut(address, "://"); ok {
		scheme, path = before, after
	} else if after, ok := strings.CutPrefix(address, "unix:"); ok {
		scheme, path = "unix", after
	}
	var err error
	switch {
	case scheme != "" && scheme != "unix":
		err = fmt.Errorf("%q is no socket of this machine", scheme)
	case path == "":
		err = errors.New("there is no path")
	case strings.ContainsRune(path, 0):
		err = errors.New("the path holds a NUL")
	default:
		return path, nil
	}
	return "", &image.Error{Op: "connect to", Object: fmt.Sprintf("%q", address), Cause: fact.Unsupported, Err: err,
		Hint: "write the path of a socket: " + Flag + " unix:///run/containerd/containerd.sock"}
}

// probe connects once by hand: gRPC would only say that it could not.
func (c *Conn) probe(ctx context.Context) error {
	fail := func(cause fact.Cause, hint string, err error) error {
		return &image.Error{Op: "connect to", Object: c.describe(""), Cause: cause, Err: err, Hint: hint}
	}
	b := bounded(ctx, c.call)
	defer b.stop()
	var d net.Dialer
	conn, err := d.DialContext(b.ctx, "unix", c.path)
	if err == nil {
		return conn.Close()
	}
	info, statErr := os.Stat(c.path)
	switch {
	case b.ctx.Err() != nil:
		return c.fail(ctx, b.ctx, "connect to", "", err)
	case errors.Is(err, fs.ErrNotExist):
		return fail(fact.NotFound, "name the runtime's socket: "+Flag+" unix:///path/to/containerd.sock", errors.New("there is no such socket"))
	case errors.Is(err, fs.ErrPermission):
		return fail(fact.Forbidden, "run as root, or as a member of the socket's group", errors.New("permission denied"))
	case statErr == nil && info.Mode().IsRegular() || statErr == nil && info.IsDir():
		return fail(fact.Unsupported, "", errors.New("it is no socket"))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(fact.Network, "is the runtime running?", errors.New("nobody listens at the socket"))
	}
	return fail(fact.Network, "", withoutPath(err))
}

// withoutPath drops operation and address, which the message has already.
func withoutPath(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
