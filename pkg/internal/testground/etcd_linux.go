package testground

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"syscall"
)

// etcd is where an API server keeps everything.
type etcd struct {
	*server
	addr string // in the network that it runs in
}

// startEtcd starts one that does not wait for the disk. Its data is the folder
// "etcd" of the place.
func startEtcd(ctx context.Context, n *nursery, p *place, net network) (*etcd, error) {
	bin, err := Command("etcd", "etcd-server")
	if err != nil {
		return nil, err
	}
	client, err := net.addr(2379)
	if err != nil {
		return nil, err
	}
	peer, err := net.addr(2380)
	if err != nil {
		return nil, err
	}
	e := &etcd{addr: client}
	e.server, err = startServer(n, p, "etcd", exec.Command(bin, "--name=test", "--data-dir="+p.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=http://"+client, "--advertise-client-urls=http://"+client,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=test=http://"+peer,
		"--quota-backend-bytes=8589934592", "--log-level=warn"))
	if err != nil {
		return nil, err
	}
	reach, err := net.reach(client)
	if err == nil {
		err = await(ctx, "etcd", answers(http.DefaultClient, "http://"+reach+"/health"), e.server)
	}
	if err != nil {
		return nil, errors.Join(err, e.stop(syscall.SIGKILL))
	}
	return e, nil
}

// A network is where servers of a ground listen.
type network interface {
	// addr is a free address that servers may listen on, with that port if the
	// network is the ground's alone.
	addr(port int) (string, error)
	// reach is how the test gets to an address of the network.
	reach(addr string) (string, error)
}

// loopback is the machine's own: any port may be taken.
type loopback struct{}

func (loopback) addr(int) (string, error)          { return FreeAddr() }
func (loopback) reach(addr string) (string, error) { return addr, nil }

func (n *node) addr(port int) (string, error)     { return fmt.Sprintf("127.0.0.1:%d", port), nil }
func (n *node) reach(addr string) (string, error) { return n.letIn(addr) }

// answers makes a probe: nil once url answers 200.
func answers(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		return nil
	}
}
