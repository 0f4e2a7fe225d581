package containerd

import (
	"strings"
	"testing"

	"github.com/containerd/containerd/api/types/task"
	"golang.org/x/sync/errgroup"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
)

// A pod's container is found by the ID of its status, and what the runtime knows
// of its image comes with it.
func TestLookup(t *testing.T) {
	t.Parallel()
	b := build(t, "one", "/app", "linux/amd64")
	config := string(b.Images[0].Config.Descriptor.Digest)
	reported := "registry.example/acme/cart@" + string(b.Root.Descriptor.Digest)
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING}}
	for _, id := range []string{"c", "d"} {
		n.Containers = append(n.Containers, ofPod(t, record(id, "registry.example/acme/cart:2"), podRecord{namespace: "shop", pod: "cart", name: id, config: config}))
	}
	n.Images = append(n.Images, stored(config, b.Root.Descriptor, pulled))
	keep(n, b)
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": n, "default": {}}, CRI: running("c", reported, config, "")}
	l := start(t, s, Options{}).Lookup()
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			for _, id := range []string{"c", "containerd://c"} {
				got, gaps, err := l.Container(t.Context(), id)
				if err != nil || len(gaps) > 0 || got.Reported != reported || got.Manifest != b.Images[0].Manifest.Descriptor.Digest || len(got.Also) != 1 || got.Also[0] != config {
					t.Errorf("%q: %+v, %+v, %v", id, got, gaps, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := s.Calls("/containerd.services.images.v1.Images/List"); n != 1 {
		t.Errorf("the images were listed %d times", n)
	}
	// d is not known to the CRI: said, and found nevertheless.
	if got, gaps, err := l.Container(t.Context(), "d"); err != nil || len(gaps) != 1 || got.ID != "d" {
		t.Errorf("%+v, %+v, %v", got, gaps, err)
	}
	for id, want := range map[string]fact.Cause{"e": fact.NotFound, "": fact.Unsupported, "containerd://": fact.Unsupported, "docker://c": fact.Unsupported, "cri-o://c": fact.Unsupported} {
		if _, _, err := l.Container(t.Context(), id); image.CauseOf(err) != want {
			t.Errorf("%q: %v, want the cause %q", id, err, want)
		}
	}
}

func TestLookupByTheCRIAlone(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("ab", 32)
	s := &containerdtest.Server{OnlyCRI: true, CRI: &containerdtest.CRI{Name: "cri-o", Statuses: map[string]*criapi.ContainerStatusResponse{"c": {
		Info:   map[string]string{"info": `{"runtimeSpec":` + plainSpec + `}`},
		Status: &criapi.ContainerStatus{State: criapi.ContainerState_CONTAINER_RUNNING, ImageRef: "x@sha256:" + hex, ImageId: hex}}}}}
	l := start(t, s, Options{}).Lookup()
	got, gaps, err := l.Container(t.Context(), "cri-o://c")
	if err != nil || len(gaps) > 0 || got.Reported != "x@sha256:"+hex || len(got.Also) != 1 {
		t.Errorf("%+v, %+v, %v", got, gaps, err)
	}
	if _, _, err := l.Container(t.Context(), "cri-o://d"); image.CauseOf(err) != fact.NotFound {
		t.Errorf("error %v", err)
	}
	if _, _, err := l.Container(t.Context(), "containerd://c"); image.CauseOf(err) != fact.Unsupported {
		t.Errorf("error %v", err)
	}
}
