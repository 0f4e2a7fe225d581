package containerd

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/observetest"
)

// Containers of pods, with containerd's API and the CRI at one socket.
func TestConformance(t *testing.T) {
	t.Parallel()
	observetest.Run(t, observetest.Suite{
		Roles: []fact.Role{fact.RoleMain}, Pods: true, Namespaces: true,
		Open: func(t *testing.T, p *observetest.Place) observe.Observer {
			s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{}, CRI: &containerdtest.CRI{Statuses: map[string]*criapi.ContainerStatusResponse{}}}
			for _, c := range p.Containers {
				n := s.Namespaces[c.Namespace]
				if n == nil {
					n = &containerdtest.Namespace{Tasks: map[string]task.Status{}}
					s.Namespaces[c.Namespace] = n
				}
				id := "id-" + c.Pod + "-" + c.Name
				r := record(id, "registry.example/other/name:1")
				n.Containers = append(n.Containers, ofPod(t, r, podRecord{namespace: c.Namespace, pod: c.Pod, uid: "uid-" + c.Pod, name: c.Name, specified: c.Image}))
				if c.Phase == fact.PhaseRunning {
					n.Tasks[id] = task.Status_RUNNING
				}
				s.CRI.Statuses[id] = statusOf(c)
			}
			fault(s, p, "/containerd.services.containers.v1.Containers/ListStream", "/runtime.v1.RuntimeService/ContainerStatus")
			return start(t, s, Options{})
		},
	})
}

// The same with the CRI alone, as CRI-O serves it.
func TestConformanceOfTheCRI(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{true, false} {
		observetest.Run(t, observetest.Suite{
			Roles: []fact.Role{fact.RoleMain}, Pods: true, Namespaces: true,
			Open: func(t *testing.T, p *observetest.Place) observe.Observer {
				s := &containerdtest.Server{OnlyCRI: true, CRI: &containerdtest.CRI{Name: "cri-o", NoStream: !stream, Statuses: map[string]*criapi.ContainerStatusResponse{}}}
				for _, c := range p.Containers {
					st := statusOf(c)
					st.Info = map[string]string{"info": `{"runtimeSpec":` + plainSpec + `}`}
					if c.Hidden && p.Fault == observetest.HidesPart {
						st.Status = nil
					}
					s.CRI.Statuses["id-"+c.Pod+"-"+c.Name] = st
				}
				fault(s, p, "", "/runtime.v1.RuntimeService/ContainerStatus")
				return start(t, s, Options{})
			},
		})
	}
}

func statusOf(c observetest.Container) *criapi.ContainerStatusResponse {
	state := map[fact.Phase]criapi.ContainerState{fact.PhaseRunning: criapi.ContainerState_CONTAINER_RUNNING,
		fact.PhaseWaiting: criapi.ContainerState_CONTAINER_CREATED, fact.PhaseFinished: criapi.ContainerState_CONTAINER_EXITED}[c.Phase]
	return &criapi.ContainerStatusResponse{Status: &criapi.ContainerStatus{
		Metadata: &criapi.ContainerMetadata{Name: c.Name}, State: state, ImageRef: c.Reported, ImageId: c.Reported,
		Image:  &criapi.ImageSpec{UserSpecifiedImage: c.Image},
		Labels: map[string]string{labelPodNamespace: c.Namespace, labelPodName: c.Pod, labelPodUID: "uid-" + c.Pod}}}
}

// fault makes the place's fault: list is what hides a namespace, status is asked
// once for each container.
func fault(s *containerdtest.Server, p *observetest.Place, list, one string) {
	hidden := map[string]bool{}
	for _, c := range p.Containers {
		if c.Hidden {
			hidden[c.Namespace] = true
			hidden["id-"+c.Pod+"-"+c.Name] = true
		}
	}
	s.Before = func(ctx context.Context, method string, n int) error {
		switch {
		case p.Fault == observetest.HidesPart && method == list:
			md, _ := metadata.FromIncomingContext(ctx)
			if hidden[strings.Join(md.Get("containerd-namespace"), "")] {
				return status.Error(codes.PermissionDenied, "hidden")
			}
		case p.Fault == observetest.Dies && method == one && s.Calls(one) == 300:
			s.Kill()
			<-ctx.Done()
		case p.Fault == observetest.Hangs && method == one && s.Calls(one) >= 300:
			p.Hung()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
}
