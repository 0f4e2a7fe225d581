// Package containerdtest is a containerd for tests, in the process: its API and
// the CRI on a real socket, with what it holds given as plain data, and every
// fault that a hook can make.
package containerdtest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	namespacesapi "github.com/containerd/containerd/api/services/namespaces/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/grpc"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Server is a runtime. Its fields are set before Start and not changed after.
type Server struct {
	Namespaces map[string]*Namespace
	Platform   *types.Platform // linux/amd64 if nil
	// CRI, if set, is served at the same socket.
	CRI *CRI
	// OnlyCRI leaves containerd's own services out, as CRI-O does.
	OnlyCRI bool

	// Before, if set, runs at the start of every call and of every message that a
	// stream sends (n counts them from 1; 0 at the start). Its error is the answer.
	// Methods are named as gRPC does: "/containerd.services.images.v1.Images/List".
	Before func(ctx context.Context, method string, n int) error

	grpc *grpc.Server

	mu    sync.Mutex
	calls map[string]int
}

// A Namespace is what one namespace holds.
type Namespace struct {
	Containers []*containersapi.Container
	// Many, if set, makes so many more containers while they are listed, so that
	// the server does not hold them.
	Many      int
	Make      func(i int) *containersapi.Container
	Tasks     map[string]task.Status
	Images    []*imagesapi.Image
	Blobs     map[ref.Digest][]byte
	Snapshots map[string]Snapshot // by snapshotter/key
}

// A Snapshot is one snapshot and its mounts.
type Snapshot struct {
	Parent string
	View   bool
	Mounts []*types.Mount
}

// A CRI is what the CRI says, by the container's ID.
type CRI struct {
	Name, Version string // "containerd", "1.7.0" if empty
	Statuses      map[string]*criapi.ContainerStatusResponse
	// NoStream leaves out the streaming list, as servers before Kubernetes 1.36 do.
	NoStream bool
}

// Start serves s until the test ends and returns the path of its socket.
func (s *Server) Start(t testing.TB) string {
	t.Helper()
	if s.grpc != nil {
		t.Fatal("the server was started before")
	}
	// A path below t.TempDir() may be longer than a socket's can be.
	dir, err := os.MkdirTemp("", "ctd")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "c.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s.calls = map[string]int{}
	s.grpc = grpc.NewServer(grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream), grpc.MaxSendMsgSize(16<<20))
	if !s.OnlyCRI {
		containersapi.RegisterContainersServer(s.grpc, containers{s: s})
		contentapi.RegisterContentServer(s.grpc, content{s: s})
		imagesapi.RegisterImagesServer(s.grpc, images{s: s})
		introspectionapi.RegisterIntrospectionServer(s.grpc, introspection{s: s})
		namespacesapi.RegisterNamespacesServer(s.grpc, namespaces{s: s})
		snapshotsapi.RegisterSnapshotsServer(s.grpc, snapshots{s: s})
		tasksapi.RegisterTasksServer(s.grpc, tasks{s: s})
		versionapi.RegisterVersionServer(s.grpc, version{})
	}
	if s.CRI != nil {
		criapi.RegisterRuntimeServiceServer(s.grpc, cri{s: s.CRI})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.grpc.Serve(l) // ends with Stop
	}()
	t.Cleanup(func() {
		s.grpc.Stop()
		<-done
		_ = os.RemoveAll(dir)
	})
	return path
}

// Kill ends the server at once, as if its process died. It may be called in Before.
func (s *Server) Kill() { go s.grpc.Stop() }

// Calls returns how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Methods returns the names of all methods that were called.
func (s *Server) Methods() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for m := range s.calls {
		out = append(out, m)
	}
	return out
}

func (s *Server) before(ctx context.Context, method string, n int) error {
	if n == 0 {
		s.mu.Lock()
		s.calls[method]++
		s.mu.Unlock()
	}
	if s.Before == nil {
		return nil
	}
	return s.Before(ctx, method, n)
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.before(ctx, info.FullMethod, 0); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.before(ss.Context(), info.FullMethod, 0); err != nil {
		return err
	}
	return next(srv, &counted{ServerStream: ss, s: s, method: info.FullMethod})
}

type counted struct {
	grpc.ServerStream
	s      *Server
	method string
	n      int
}

func (c *counted) SendMsg(m any) error {
	c.n++
	if err := c.s.before(c.Context(), c.method, c.n); err != nil {
		return err
	}
	return c.ServerStream.SendMsg(m)
}
