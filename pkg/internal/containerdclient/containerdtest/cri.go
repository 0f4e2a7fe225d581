package containerdtest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type cri struct {
	criapi.UnimplementedRuntimeServiceServer
	s *CRI
}

func (c cri) Version(context.Context, *criapi.VersionRequest) (*criapi.VersionResponse, error) {
	return &criapi.VersionResponse{Version: "0.1.0", RuntimeName: cmp.Or(c.s.Name, "containerd"),
		RuntimeVersion: cmp.Or(c.s.Version, "1.7.0"), RuntimeApiVersion: "v1"}, nil
}

func (c cri) list() []*criapi.Container {
	var out []*criapi.Container
	for _, id := range slices.Sorted(maps.Keys(c.s.Statuses)) {
		st := c.s.Statuses[id].GetStatus()
		out = append(out, &criapi.Container{Id: id, Metadata: st.GetMetadata(), Image: st.GetImage(), ImageRef: st.GetImageRef(), State: st.GetState(), Labels: st.GetLabels()})
	}
	return out
}

func (c cri) ListContainers(context.Context, *criapi.ListContainersRequest) (*criapi.ListContainersResponse, error) {
	return &criapi.ListContainersResponse{Containers: c.list()}, nil
}

func (c cri) StreamContainers(_ *criapi.StreamContainersRequest, to criapi.RuntimeService_StreamContainersServer) error {
	if c.s.NoStream {
		return status.Error(codes.Unimplemented, "unknown method StreamContainers")
	}
	for _, x := range c.list() {
		if err := to.Send(&criapi.StreamContainersResponse{Containers: []*criapi.Container{x}}); err != nil {
			return err
		}
	}
	return nil
}

func (c cri) ContainerStatus(_ context.Context, r *criapi.ContainerStatusRequest) (*criapi.ContainerStatusResponse, error) {
	st, ok := c.s.Statuses[r.ContainerId]
	if !ok || st == nil { // a nil one was listed and is gone
		return nil, missing("container", r.ContainerId)
	}
	if !r.Verbose {
		return &criapi.ContainerStatusResponse{Status: st.Status}, nil
	}
	return st, nil
}
