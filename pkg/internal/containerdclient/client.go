package containerdclient

import (
	"context"
	"errors"
	"fmt"
	"slices"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	namespacesapi "github.com/containerd/containerd/api/services/namespaces/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Client asks one containerd. It may be used concurrently.
type Client struct {
	*Conn
	version string

	containers    containersapi.ContainersClient
	content       contentapi.ContentClient
	images        imagesapi.ImagesClient
	introspection introspectionapi.IntrospectionClient
	namespaces    namespacesapi.NamespacesClient
	snapshots     snapshotsapi.SnapshotsClient
	tasks         tasksapi.TasksClient
}

// New asks who listens at c. An error with the cause fact.Unsupported says that
// it is no containerd, which a CRI may be nevertheless.
func New(ctx context.Context, c *Conn) (*Client, error) {
	client := &Client{Conn: c,
		containers: containersapi.NewContainersClient(c), content: contentapi.NewContentClient(c),
		images: imagesapi.NewImagesClient(c), introspection: introspectionapi.NewIntrospectionClient(c),
		namespaces: namespacesapi.NewNamespacesClient(c), snapshots: snapshotsapi.NewSnapshotsClient(c),
		tasks: tasksapi.NewTasksClient(c)}
	err := c.Call(ctx, "ask", "the version of containerd", func(ctx context.Context) error {
		v, err := versionapi.NewVersionClient(c).Version(ctx, &emptypb.Empty{})
		client.version = v.GetVersion()
		return err
	})
	if err == nil {
		return client, nil
	}
	if e := new(image.Error); errors.As(err, &e) && e.Cause == fact.Unsupported && e.Hint == "" {
		e.Err, e.Hint = fmt.Errorf("it is no containerd: %w", e.Err), "name the socket of containerd: "+Flag
	}
	return nil, err
}

// Open connects to a socket at which a containerd must listen.
func Open(ctx context.Context, o Options) (*Client, error) {
	c, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	client, err := New(ctx, c)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return client, nil
}

// Version is the server's word.
func (c *Client) Version() string { return c.version }

// Namespaces returns the names of all namespaces, sorted.
func (c *Client) Namespaces(ctx context.Context) ([]string, error) {
	var names []string
	err := c.Call(ctx, "list", "namespaces", func(ctx context.Context) error {
		r, err := c.namespaces.List(ctx, &namespacesapi.ListNamespacesRequest{})
		for _, n := range r.GetNamespaces() {
			names = append(names, n.GetName())
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// Platform returns what the machine of containerd runs; zero if it does not say.
func (c *Client) Platform(ctx context.Context) (ref.Platform, error) {
	var p ref.Platform
	err := c.Call(ctx, "ask", "the platform", func(ctx context.Context) error {
		r, err := c.introspection.Plugins(ctx, &introspectionapi.PluginsRequest{
			Filters: []string{"type==io.containerd.runtime.v2", "type==io.containerd.snapshotter.v1"}})
		for _, plugin := range r.GetPlugins() {
			for _, q := range plugin.GetPlatforms() {
				if p == (ref.Platform{}) {
					p = ref.Platform{OS: q.GetOS(), Architecture: q.GetArchitecture(), Variant: q.GetVariant()}.Normalize()
				}
			}
		}
		return err
	})
	return p, err
}

// in addresses a request to a namespace.
//
// https://github.com/containerd/containerd/blob/v2.2.0/docs/namespaces.md
func in(ctx context.Context, namespace string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "containerd-namespace", namespace)
}

func named(what, name, namespace string) string {
	return fmt.Sprintf("%s %q of namespace %q", what, name, namespace)
}
