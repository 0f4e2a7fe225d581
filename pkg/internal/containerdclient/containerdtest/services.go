package containerdtest

import (
	"bytes"
	"context"
	"io"
	"slices"

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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/intact-dev/intact/pkg/ref"
)

// chunk is how much of a blob one message carries.
const chunk = 32 << 10

// of returns the namespace that a call is for. As with containerd, one that
// nobody made is empty.
func (s *Server) of(ctx context.Context) (*Namespace, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	names := md.Get("containerd-namespace")
	if len(names) != 1 || names[0] == "" {
		return nil, status.Error(codes.FailedPrecondition, "namespace is required")
	}
	if n, ok := s.Namespaces[names[0]]; ok {
		return n, nil
	}
	return &Namespace{}, nil
}

func missing(what, name string) error {
	return status.Errorf(codes.NotFound, "%s %q: not found", what, name)
}

type version struct {
	versionapi.UnimplementedVersionServer
}

func (version) Version(context.Context, *emptypb.Empty) (*versionapi.VersionResponse, error) {
	return &versionapi.VersionResponse{Version: "2.4.2", Revision: "test"}, nil
}

type namespaces struct {
	namespacesapi.UnimplementedNamespacesServer
	s *Server
}

func (n namespaces) List(context.Context, *namespacesapi.ListNamespacesRequest) (*namespacesapi.ListNamespacesResponse, error) {
	r := &namespacesapi.ListNamespacesResponse{}
	for name := range n.s.Namespaces {
		r.Namespaces = append(r.Namespaces, &namespacesapi.Namespace{Name: name})
	}
	return r, nil
}

type introspection struct {
	introspectionapi.UnimplementedIntrospectionServer
	s *Server
}

func (i introspection) Plugins(context.Context, *introspectionapi.PluginsRequest) (*introspectionapi.PluginsResponse, error) {
	p := i.s.Platform
	if p == nil {
		p = &types.Platform{OS: "linux", Architecture: "amd64"}
	}
	return &introspectionapi.PluginsResponse{Plugins: []*introspectionapi.Plugin{
		{Type: "io.containerd.runtime.v2", ID: "task", Platforms: []*types.Platform{p}}}}, nil
}

type containers struct {
	containersapi.UnimplementedContainersServer
	s *Server
}

func (c containers) ListStream(_ *containersapi.ListContainersRequest, to containersapi.Containers_ListStreamServer) error {
	n, err := c.s.of(to.Context())
	if err != nil {
		return err
	}
	for _, x := range n.Containers {
		if err := to.Send(&containersapi.ListContainerMessage{Container: x}); err != nil {
			return err
		}
	}
	for i := range n.Many {
		if err := to.Send(&containersapi.ListContainerMessage{Container: n.Make(i)}); err != nil {
			return err
		}
	}
	return nil
}

func (c containers) Get(ctx context.Context, r *containersapi.GetContainerRequest) (*containersapi.GetContainerResponse, error) {
	n, err := c.s.of(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(n.Containers, func(x *containersapi.Container) bool { return x.ID == r.ID })
	if i < 0 {
		return nil, missing("container", r.ID)
	}
	return &containersapi.GetContainerResponse{Container: n.Containers[i]}, nil
}

type tasks struct {
	tasksapi.UnimplementedTasksServer
	s *Server
}

func (t tasks) List(ctx context.Context, _ *tasksapi.ListTasksRequest) (*tasksapi.ListTasksResponse, error) {
	n, err := t.s.of(ctx)
	if err != nil {
		return nil, err
	}
	r := &tasksapi.ListTasksResponse{}
	for id, s := range n.Tasks {
		if s != task.Status_UNKNOWN { // a shim that does not answer is left out, as containerd does
			r.Tasks = append(r.Tasks, &task.Process{ID: id, Status: s})
		}
	}
	return r, nil
}

func (t tasks) Get(ctx context.Context, r *tasksapi.GetRequest) (*tasksapi.GetResponse, error) {
	n, err := t.s.of(ctx)
	if err != nil {
		return nil, err
	}
	// As with containerd, nothing can be asked of a task without a container.
	if n.Many == 0 && !slices.ContainsFunc(n.Containers, func(x *containersapi.Container) bool { return x.ID == r.ContainerID }) {
		return nil, missing("container", r.ContainerID)
	}
	s, ok := n.Tasks[r.ContainerID]
	if !ok {
		return nil, missing("task", r.ContainerID)
	}
	if s == task.Status_UNKNOWN {
		return nil, status.Error(codes.Unknown, "ttrpc: closed")
	}
	return &tasksapi.GetResponse{Process: &task.Process{ContainerID: r.ContainerID, ID: r.ContainerID, Status: s}}, nil
}

type images struct {
	imagesapi.UnimplementedImagesServer
	s *Server
}

func (i images) List(ctx context.Context, _ *imagesapi.ListImagesRequest) (*imagesapi.ListImagesResponse, error) {
	n, err := i.s.of(ctx)
	if err != nil {
		return nil, err
	}
	return &imagesapi.ListImagesResponse{Images: n.Images}, nil
}

func (i images) Get(ctx context.Context, r *imagesapi.GetImageRequest) (*imagesapi.GetImageResponse, error) {
	n, err := i.s.of(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range n.Images {
		if x.Name == r.Name {
			return &imagesapi.GetImageResponse{Image: x}, nil
		}
	}
	return nil, missing("image", r.Name)
}

type snapshots struct {
	snapshotsapi.UnimplementedSnapshotsServer
	s *Server
}

func (p snapshots) find(ctx context.Context, snapshotter, key string) (Snapshot, error) {
	n, err := p.s.of(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	found, ok := n.Snapshots[snapshotter+"/"+key]
	if !ok {
		return Snapshot{}, missing("snapshot", key)
	}
	return found, nil
}

func (p snapshots) Stat(ctx context.Context, r *snapshotsapi.StatSnapshotRequest) (*snapshotsapi.StatSnapshotResponse, error) {
	found, err := p.find(ctx, r.Snapshotter, r.Key)
	if err != nil {
		return nil, err
	}
	kind := snapshotsapi.Kind_ACTIVE
	if found.View {
		kind = snapshotsapi.Kind_VIEW
	}
	return &snapshotsapi.StatSnapshotResponse{Info: &snapshotsapi.Info{Name: r.Key, Parent: found.Parent, Kind: kind}}, nil
}

func (p snapshots) Mounts(ctx context.Context, r *snapshotsapi.MountsRequest) (*snapshotsapi.MountsResponse, error) {
	found, err := p.find(ctx, r.Snapshotter, r.Key)
	if err != nil {
		return nil, err
	}
	return &snapshotsapi.MountsResponse{Mounts: found.Mounts}, nil
}

type content struct {
	contentapi.UnimplementedContentServer
	s *Server
}

func (c content) find(ctx context.Context, digest string) ([]byte, error) {
	n, err := c.s.of(ctx)
	if err != nil {
		return nil, err
	}
	b, ok := n.Blobs[ref.Digest(digest)]
	if !ok {
		return nil, missing("content", digest)
	}
	return b, nil
}

func (c content) Info(ctx context.Context, r *contentapi.InfoRequest) (*contentapi.InfoResponse, error) {
	b, err := c.find(ctx, r.Digest)
	if err != nil {
		return nil, err
	}
	return &contentapi.InfoResponse{Info: &contentapi.Info{Digest: r.Digest, Size: int64(len(b))}}, nil
}

func (c content) Read(r *contentapi.ReadContentRequest, to contentapi.Content_ReadServer) error {
	b, err := c.find(to.Context(), r.Digest)
	if err != nil {
		return err
	}
	from, p := bytes.NewReader(b), make([]byte, chunk)
	for {
		n, err := from.Read(p)
		if err == io.EOF {
			return nil
		}
		if err := to.Send(&contentapi.ReadContentResponse{Data: p[:n]}); err != nil {
			return err
		}
	}
}
