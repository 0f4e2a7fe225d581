package testground

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// An APIServer is a running Kubernetes API server with its etcd. Alone, it
// keeps what it is given and runs nothing.
type APIServer struct {
	Addr       string // host:port on loopback, TLS
	Kubeconfig string // file of a user who may do everything
	Kubernetes Kubernetes

	place     *place
	nursery   *nursery // the servers' own
	network   network
	authority *authority
	etcd      *etcd
	servers   []*server // in the order in which they started
	users     atomic.Int64
}

// apiPort is the API server's on a node.
const apiPort = 6443

// ServiceAccounts says whether pods get a service account, as they do in most
// clusters: its token is mounted into them. Without it pods can be made as soon
// as their namespace is there.
type ServiceAccounts bool

// StartAPIServer starts an API server alone and waits until it is ready. It
// lives until Close, or until the test's process ends.
func StartAPIServer(ctx context.Context) (*APIServer, error) {
	return startAlone(ctx, func(*place) error { return nil })
}

// startAlone lets prepare put etcd's data in place.
func startAlone(ctx context.Context, prepare func(*place) error) (*APIServer, error) {
	k, err := BuildKubernetes(ctx) // in its own time
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not up after %s", startTimeout))
	defer cancel()
	var last error
	for range 3 { // another process may take a port between choice and use
		s, err := func() (*APIServer, error) {
			p, err := newPlace()
			if err != nil {
				return nil, err
			}
			s := &APIServer{Kubernetes: k, place: p, nursery: newNursery(), network: loopback{}}
			if err = prepare(p); err == nil {
				err = s.start(ctx, false)
			}
			if err != nil {
				return nil, errors.Join(err, s.Close())
			}
			return s, nil
		}()
		if err == nil {
			return s, nil
		}
		if last = err; !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, last
}

// start starts etcd and the API server in s's place.
func (s *APIServer) start(ctx context.Context, accounts ServiceAccounts) (err error) {
	if s.authority, err = newAuthority(); err != nil {
		return err
	}
	if s.etcd, err = startEtcd(ctx, s.nursery, s.place, s.network); err != nil {
		return err
	}
	s.servers = append(s.servers, s.etcd.server)
	inside, err := s.network.addr(apiPort)
	if err != nil {
		return err
	}
	args, err := s.flags(inside, accounts)
	if err != nil {
		return err
	}
	if err := s.run("kube-apiserver", s.Kubernetes.APIServer, args...); err != nil {
		return err
	}
	if s.Addr, err = s.network.reach(inside); err != nil {
		return err
	}
	s.Kubeconfig = s.place.path("admin.kubeconfig")
	if err := s.authority.kubeconfig(s.Kubeconfig, s.Addr, "admin", "system:masters"); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.authority.cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	return await(ctx, "kube-apiserver", answers(&http.Client{Transport: transport}, "https://"+s.Addr+"/readyz"), s.servers...)
}

func (s *APIServer) flags(addr string, accounts ServiceAccounts) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cert, err := s.authority.server()
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	accountKey, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"ca.crt": s.authority.pem, "server.crt": cert.cert, "server.key": cert.key, "sa.key": accountKey}
	for name, content := range files {
		if err := writeFile(s.place.path(name), string(content)); err != nil {
			return nil, err
		}
	}
	file := s.place.path
	args := []string{
		"--etcd-servers=http://" + s.etcd.addr, "--bind-address=" + host, "--secure-port=" + port,
		"--advertise-address=" + host, "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24",
		"--tls-cert-file=" + file("server.crt"), "--tls-private-key-file=" + file("server.key"), "--cert-dir=" + file("certs"),
		"--client-ca-file=" + file("ca.crt"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + file("sa.key"),
		"--service-account-signing-key-file=" + file("sa.key"), "--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true", "--profiling=false", "--feature-gates=SizeBasedListCostEstimate=false", // wants a newer etcd
	}
	if !accounts {
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return args, nil
}

// User writes a kubeconfig for a user, who is in the groups and may do what
// RBAC objects in the cluster allow, and returns its file.
func (s *APIServer) User(name string, groups ...string) (string, error) {
	file := s.place.path(fmt.Sprintf("user-%d.kubeconfig", s.users.Add(1)))
	return file, s.authority.kubeconfig(file, s.Addr, name, groups...)
}

// Client is a client of a user who may do everything, not slowed down, that
// speaks protobuf.
func (s *APIServer) Client() (*kubernetes.Clientset, error) {
	c, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	c.QPS = -1
	c.ContentType = "application/vnd.kubernetes.protobuf"
	c.WarningHandler = rest.NoWarnings{}
	return kubernetes.NewForConfig(c)
}

// Logs are the ends of the servers' logs, to say why a test failed.
func (s *APIServer) Logs() string { return logs(s.servers...) }

// Kill ends the server called name ("kube-apiserver", "etcd") at once, as a
// crash does.
func (s *APIServer) Kill(name string) error {
	for _, v := range s.servers {
		if v.name == name {
			return v.stop(syscall.SIGKILL)
		}
	}
	return fmt.Errorf("kill %s: no such server here", name)
}

// Close stops the servers and removes everything they kept.
func (s *APIServer) Close() error {
	var err error
	for _, v := range slices.Backward(s.servers) {
		err = errors.Join(err, v.stop(syscall.SIGKILL))
	}
	s.nursery.close()
	return errors.Join(err, s.place.remove())
}

func (s *APIServer) run(name, bin string, args ...string) error {
	v, err := startServer(s.nursery, s.place, name, exec.Command(bin, args...))
	if err != nil {
		return err
	}
	s.servers = append(s.servers, v)
	return nil
}
