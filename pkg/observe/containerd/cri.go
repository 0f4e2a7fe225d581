package containerd

import (
	"context"
	"errors"
	"fmt"
	"time"

	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
)

// A cri asks a runtime as the kubelet does.
//
// https://github.com/kubernetes/cri-api/blob/v0.37.1/pkg/apis/runtime/v1/api.proto
type cri struct {
	conn          *containerdclient.Conn
	api           criapi.RuntimeServiceClient
	name, version string
}

func newCRI(ctx context.Context, conn *containerdclient.Conn) (*cri, error) {
	c := &cri{conn: conn, api: criapi.NewRuntimeServiceClient(conn)}
	return c, conn.Call(ctx, "ask", "the version of the CRI", func(ctx context.Context) error {
		v, err := c.api.Version(ctx, &criapi.VersionRequest{Version: "v1"})
		c.name, c.version = v.GetRuntimeName(), v.GetRuntimeVersion()
		return err
	})
}

// A criState is what the CRI says of a container. What the kubelet reports as a
// pod's imageID is ref.
type criState struct {
	ref, id   string
	specified string // the image as the pod names it; "" from runtimes that do not keep it
	named     string // a name of the image that runs
	phase     fact.Phase
	started   time.Time
	info      string // if asked for: JSON
	labels    map[string]string
	name      string // the container's in its pod
	attempt   uint32
}

func (c *cri) status(ctx context.Context, id string, verbose bool) (*criState, error) {
	var r *criapi.ContainerStatusResponse
	err := c.conn.Call(ctx, "ask for", fmt.Sprintf("the status of container %q", id), func(ctx context.Context) (err error) {
		r, err = c.api.ContainerStatus(ctx, &criapi.ContainerStatusRequest{ContainerId: id, Verbose: verbose})
		return err
	})
	if err != nil {
		return nil, err
	}
	s := r.GetStatus()
	if s == nil {
		return nil, &image.Error{Op: "ask for", Object: fmt.Sprintf("the status of container %q", id), Cause: fact.ServerError, Err: errors.New("the answer is empty")}
	}
	out := &criState{ref: s.GetImageRef(), id: s.GetImageId(), specified: s.GetImage().GetUserSpecifiedImage(), named: s.GetImage().GetImage(),
		phase: criPhase(s.GetState()), info: r.GetInfo()["info"], labels: s.GetLabels(), name: s.GetMetadata().GetName(), attempt: s.GetMetadata().GetAttempt()}
	if n := s.GetStartedAt(); n > 0 {
		out.started = time.Unix(0, n).UTC()
	}
	return out, nil
}

func criPhase(s criapi.ContainerState) fact.Phase {
	switch s {
	case criapi.ContainerState_CONTAINER_CREATED:
		return fact.PhaseWaiting
	case criapi.ContainerState_CONTAINER_RUNNING:
		return fact.PhaseRunning
	case criapi.ContainerState_CONTAINER_EXITED:
		return fact.PhaseFinished
	}
	return ""
}

// list returns the IDs of all containers: in parts where the runtime can, for one
// answer with all of them may be larger than it can send. With an error come
// those that were listed before it.
func (c *cri) list(ctx context.Context) ([]string, error) {
	var ids []string
	all := func(list []*criapi.Container) {
		for _, x := range list {
			ids = append(ids, x.GetId())
		}
	}
	open := func(ctx context.Context) (criapi.RuntimeService_StreamContainersClient, error) {
		return c.api.StreamContainers(ctx, &criapi.StreamContainersRequest{})
	}
	err := containerdclient.Each(ctx, c.conn, "list", "containers", open,
		func(r *criapi.StreamContainersResponse) error { all(r.GetContainers()); return nil })
	if err == nil || image.CauseOf(err) != fact.Unsupported {
		return ids, err
	}
	err = c.conn.Call(ctx, "list", "containers", func(ctx context.Context) error {
		r, err := c.api.ListContainers(ctx, &criapi.ListContainersRequest{})
		all(r.GetContainers())
		return err
	})
	return ids, err
}
