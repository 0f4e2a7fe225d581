package containerd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/observe"
)

// host is a server with five containers of ctr and five of pods, all running.
func host(t *testing.T) *containerdtest.Server {
	b := build(t, "one", "/app")
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{}, CRI: &containerdtest.CRI{Statuses: map[string]*criapi.ContainerStatusResponse{}}}
	for _, namespace := range []string{"default", "k8s.io"} {
		n := &containerdtest.Namespace{Tasks: map[string]task.Status{}, Snapshots: map[string]containerdtest.Snapshot{}}
		n.Images = append(n.Images, stored("docker.io/acme/app:1", b.Root.Descriptor, pulled))
		keep(n, b)
		for i := range 5 {
			id := fmt.Sprintf("%s-%d", namespace, i)
			c := record(id, "docker.io/acme/app:1")
			if namespace == "k8s.io" {
				ofPod(t, c, podRecord{namespace: "shop", pod: id, name: "app", uid: id, config: string(b.Images[0].Config.Descriptor.Digest)})
				s.CRI.Statuses[id] = running(id, "x@"+string(b.Root.Descriptor.Digest), "", "x:1").Statuses[id]
			}
			n.Containers, n.Tasks[id] = append(n.Containers, c), task.Status_RUNNING
			n.Snapshots["overlayfs/"+id] = containerdtest.Snapshot{Parent: chainOf(t, b.Images[0])}
		}
		s.Namespaces[namespace] = n
	}
	return s
}

// Whatever call fails: what can still be seen is seen, what cannot is a gap, and
// nothing counts as identified that is not.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method     string
		containers int // that are seen nevertheless
		identified int // of them
		gaps       int
	}{
		{"Namespaces/List", 0, 0, 0}, // an error
		{"Images/List", 10, 5, 2},    // the CRI knows
		{"Tasks/List", 10, 10, 0},    // each is asked for
		{"Containers/ListStream", 0, 0, 2},
		{"Snapshots/Stat", 10, 10, 1}, // the time of the name is left
		{"Content/Read", 10, 10, 0},
		{"RuntimeService/ContainerStatus", 10, 10, 1},
		{"Introspection/Plugins", 10, 10, 0},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.method, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := host(t)
			s.Before = func(_ context.Context, method string, _ int) error {
				if strings.HasSuffix(method, tt.method) {
					return status.Error(codes.PermissionDenied, "no")
				}
				return nil
			}
			o := start(t, s, Options{})
			var all []observe.Container
			inv, err := o.Observe(t.Context(), func(c observe.Container) { all = append(all, c) })
			if (err != nil) != (tt.method == "Namespaces/List") || err != nil && image.CauseOf(err) != fact.Forbidden {
				t.Fatalf("error %v", err)
			}
			identified := 0
			for _, c := range all {
				if strings.Contains(c.Reported, "@sha256:") {
					identified++
				}
			}
			if len(all) != tt.containers || identified != tt.identified || len(inv.Gaps) != tt.gaps {
				t.Errorf("%d containers, %d identified, gaps %+v; want %d, %d and %d gaps", len(all), identified, inv.Gaps, tt.containers, tt.identified, tt.gaps)
			}
			for _, g := range inv.Gaps {
				if g.Cause != fact.Forbidden || g.Hint == "" {
					t.Errorf("gap %+v", g)
				}
			}
		})
	}
}

// A CRI that hangs is asked once; a containerd that hangs is lost.
func TestHangs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method     string
		containers int
		lost       bool
	}{
		{"RuntimeService/ContainerStatus", 10, false},
		{"RuntimeService/Version", 10, false},
		{"Snapshots/Stat", 0, true},
		{"Content/Read", 0, true},
		{"Tasks/List", 10, false}, // each is asked for
		{"Tasks/Get", 0, true},
		{"Containers/ListStream", 0, true},
		{"Images/List", 0, true},
	} {
		t.Run(strings.ReplaceAll(tt.method, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := host(t)
			if tt.method == "Tasks/Get" {
				for _, n := range s.Namespaces {
					clear(n.Tasks)
				}
			}
			s.Before = func(ctx context.Context, method string, _ int) error {
				if strings.HasSuffix(method, tt.method) {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			// Long enough for what does answer on a busy machine.
			o := start(t, s, Options{call: 2 * time.Second, idle: 2 * time.Second})
			n := 0
			inv, err := o.Observe(t.Context(), func(observe.Container) { n++ })
			if (err != nil) != tt.lost || err != nil && image.CauseOf(err) != fact.Network || n != tt.containers {
				t.Errorf("%d containers, gaps %+v, error %v", n, inv.Gaps, err)
			}
			if calls := s.Calls("/runtime.v1.RuntimeService/ContainerStatus"); tt.method == "RuntimeService/ContainerStatus" && (calls != 1 || len(inv.Gaps) != 1) {
				t.Errorf("the CRI was asked %d times; gaps %+v", calls, inv.Gaps)
			}
		})
	}
}

// A container that ends while it is looked at is counted, and no gap.
func TestEndsMeanwhile(t *testing.T) {
	t.Parallel()
	s := host(t)
	gone := []string{"default-1", "k8s.io-2", "default-3"}
	delete(s.Namespaces["default"].Tasks, "default-3") // before the tasks are listed
	s.Before = func(_ context.Context, method string, n int) error {
		if strings.HasSuffix(method, "Containers/ListStream") && n == 1 {
			for _, ns := range s.Namespaces {
				for _, id := range gone {
					delete(ns.Tasks, id)
					delete(ns.Snapshots, "overlayfs/"+id)
				}
			}
			for _, id := range gone {
				delete(s.CRI.Statuses, id)
			}
		}
		if strings.HasSuffix(method, "Containers/Get") {
			return status.Error(codes.NotFound, "not found")
		}
		return nil
	}
	all, inv := every(t, start(t, s, Options{}))
	for _, c := range all {
		if slices.Contains(gone, c.ID) {
			t.Errorf("%s is gone and was yielded", c.ID)
		}
	}
	if len(all) != 7 || countOf(inv, "containers that ended meanwhile") != 3 || len(inv.Gaps) != 0 {
		t.Errorf("%d containers, inventory %+v", len(all), inv)
	}
}

// What connects but is neither containerd nor a CRI is told.
func TestNoRuntime(t *testing.T) {
	t.Parallel()
	nothing := (&containerdtest.Server{OnlyCRI: true}).Start(t)
	_, err := New(t.Context(), Options{Address: nothing})
	if image.CauseOf(err) != fact.Unsupported || !strings.Contains(image.HintOf(err), containerdclient.Flag) {
		t.Errorf("error %v, hint %q", err, image.HintOf(err))
	}
	path := host(t).Start(t)
	if _, err := New(t.Context(), Options{Address: path, CRI: path + "-none"}); image.CauseOf(err) != fact.NotFound {
		t.Errorf("a CRI that is not there: %v", err)
	}
	if _, err := New(t.Context(), Options{Address: path, CRI: nothing}); image.CauseOf(err) != fact.Unsupported {
		t.Errorf("a CRI that is none: %v", err)
	}
}

// A CRI of its own, beside a containerd whose plugin is switched off.
func TestSeparateCRI(t *testing.T) {
	t.Parallel()
	s := host(t)
	cri := &containerdtest.Server{OnlyCRI: true, CRI: s.CRI}
	s.CRI = nil
	all, inv := every(t, start(t, s, Options{CRI: "unix://" + cri.Start(t)}))
	if len(all) != 10 || len(inv.Gaps) != 0 || all[9].Spec.Container.Image != "x:1" {
		t.Errorf("%d containers, gaps %+v", len(all), inv.Gaps)
	}
}

// Other runtimes of the machine are named, and not asked.
func TestOtherSockets(t *testing.T) {
	t.Parallel()
	o, err := connect(t.Context(), Options{Address: host(t).Start(t), Name: "host"}, []string{"/run/k3s/containerd/containerd.sock"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	_, inv := every(t, o)
	if len(inv.NotAsked) != 1 || inv.NotAsked[0].How != "--runtime-endpoint unix:///run/k3s/containerd/containerd.sock" {
		t.Errorf("not asked: %+v", inv.NotAsked)
	}
}

// A task list that is too large for one answer leaves each to be asked for.
func TestManyTasks(t *testing.T) {
	t.Parallel()
	s := host(t)
	s.Before = func(_ context.Context, method string, _ int) error {
		if strings.HasSuffix(method, "Tasks/List") {
			return status.Error(codes.ResourceExhausted, "trying to send message larger than max (20000000 vs. 16777216)")
		}
		return nil
	}
	all, inv := every(t, start(t, s, Options{}))
	for _, c := range all {
		if c.Spec.Container.Phase != fact.PhaseRunning {
			t.Errorf("%s is %q", c.ID, c.Spec.Container.Phase)
		}
	}
	if len(all) != 10 || len(inv.Gaps) != 0 {
		t.Errorf("%d containers, gaps %+v", len(all), inv.Gaps)
	}
}
