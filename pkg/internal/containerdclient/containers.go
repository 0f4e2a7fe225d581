package containerdclient

import (
	"context"
	"fmt"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/task"

	"github.com/intact-dev/intact/pkg/fact"
)

// A Container is what containerd was told to run. All of it is what its clients
// wrote there.
type Container struct {
	ID          string
	Image       string // its name in the image store; "" = not told
	Snapshotter string
	SnapshotKey string // "" = its root is no snapshot
	Labels      map[string]string
	Spec        []byte            // the runtime specification, JSON
	Extensions  map[string][]byte // what clients keep with it
	Created     time.Time
}

// specType is the type under which a runtime specification is stored.
const specType = "types.containerd.io/opencontainers/runtime-spec/1/Spec"

// Containers yields all containers of a namespace, one at a time.
func (c *Client) Containers(ctx context.Context, namespace string, yield func(*Container) error) error {
	open := func(ctx context.Context) (containersapi.Containers_ListStreamClient, error) {
		return c.containers.ListStream(ctx, &containersapi.ListContainersRequest{})
	}
	return Each(in(ctx, namespace), c.Conn, "list", fmt.Sprintf("containers of namespace %q", namespace), open,
		func(m *containersapi.ListContainerMessage) error { return yield(container(m.GetContainer())) })
}

// Container returns one. The error has the cause fact.NotFound if there is none.
func (c *Client) Container(ctx context.Context, namespace, id string) (*Container, error) {
	var out *Container
	err := c.Call(in(ctx, namespace), "get", named("container", id, namespace), func(ctx context.Context) error {
		r, err := c.containers.Get(ctx, &containersapi.GetContainerRequest{ID: id})
		out = container(r.GetContainer())
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func container(m *containersapi.Container) *Container {
	out := &Container{ID: m.GetID(), Image: m.GetImage(), Snapshotter: m.GetSnapshotter(), SnapshotKey: m.GetSnapshotKey(),
		Labels: m.GetLabels(), Extensions: map[string][]byte{}}
	if m.GetSpec().GetTypeUrl() == specType {
		out.Spec = m.GetSpec().GetValue()
	}
	for name, e := range m.GetExtensions() {
		out.Extensions[name] = e.GetValue()
	}
	if m.GetCreatedAt() != nil {
		out.Created = m.GetCreatedAt().AsTime()
	}
	return out
}

// Tasks returns what runs, by the container's ID. A container without a task has
// none, or containerd could not ask it: then Task says so.
func (c *Client) Tasks(ctx context.Context, namespace string) (map[string]fact.Phase, error) {
	out := map[string]fact.Phase{}
	err := c.Call(in(ctx, namespace), "list", fmt.Sprintf("tasks of namespace %q", namespace), func(ctx context.Context) error {
		r, err := c.tasks.List(ctx, &tasksapi.ListTasksRequest{})
		for _, p := range r.GetTasks() {
			// The list has the ID of a container in the place of the process's.
			id := p.GetContainerID()
			if id == "" {
				id = p.GetID()
			}
			out[id] = phase(p.GetStatus())
		}
		return err
	})
	return out, err
}

// Task returns what a container does. The error has the cause fact.NotFound if
// there is nothing that runs.
func (c *Client) Task(ctx context.Context, namespace, id string) (fact.Phase, error) {
	var out fact.Phase
	err := c.Call(in(ctx, namespace), "get", named("task", id, namespace), func(ctx context.Context) error {
		r, err := c.tasks.Get(ctx, &tasksapi.GetRequest{ContainerID: id})
		out = phase(r.GetProcess().GetStatus())
		return err
	})
	return out, err
}

// phase: a paused container has processes, a stopped one has none any more.
func phase(s task.Status) fact.Phase {
	switch s {
	case task.Status_CREATED:
		return fact.PhaseWaiting
	case task.Status_RUNNING, task.Status_PAUSED, task.Status_PAUSING:
		return fact.PhaseRunning
	case task.Status_STOPPED:
		return fact.PhaseFinished
	}
	return ""
}
