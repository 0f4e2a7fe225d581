package containerd

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"unsafe"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/types/task"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/observe"
)

// crowd is a server with n containers of one image: of pods, or of ctr.
func crowd(t testing.TB, n int, pods bool) *containerdtest.Server {
	b := build(t, "one", "/app", "linux/amd64", "linux/arm64")
	config := string(b.Images[0].Config.Descriptor.Digest)
	chain := chainOf(t, b.Images[0])
	ns := &containerdtest.Namespace{Many: n, Tasks: map[string]task.Status{}, Snapshots: map[string]containerdtest.Snapshot{}}
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": ns}}
	ns.Images = append(ns.Images, stored("docker.io/acme/app:1", b.Root.Descriptor, pulled), stored(config, b.Root.Descriptor, pulled))
	ns.Make = func(i int) *containersapi.Container {
		c := record(id(i), "docker.io/acme/app:1")
		if pods {
			ofPod(t, c, podRecord{namespace: "shop", pod: fmt.Sprintf("cart-%d", i), uid: id(i), name: "cart", config: config, specified: "app:1"})
		}
		return c
	}
	keep(ns, b)
	if pods {
		s.CRI = &containerdtest.CRI{Statuses: map[string]*criapi.ContainerStatusResponse{}}
	}
	for i := range n {
		ns.Tasks[id(i)] = task.Status_RUNNING
		if pods {
			s.CRI.Statuses[id(i)] = running(id(i), "docker.io/acme/app@"+string(b.Root.Descriptor.Digest), config, "").Statuses[id(i)]
			continue
		}
		ns.Snapshots["overlayfs/"+id(i)] = containerdtest.Snapshot{Parent: chain}
	}
	return s
}

func id(i int) string { return fmt.Sprintf("%064x", i) }

// Thousands of containers are listed one at a time; what is kept of each of a
// template is little, and no content is read twice.
func TestManyContainers(t *testing.T) {
	const few, more = 1_000, 9_000
	// The difference of two, so that what the connection keeps is not counted. The
	// server is in this process and keeps buffers now and then: the least counts.
	each := int64(math.MaxInt64)
	for range 3 {
		each = min(each, (lookAt(t, more)-lookAt(t, few))/(more-few))
	}
	t.Logf("%d bytes are kept of each container", each)
	if each > 300 {
		t.Error("that is more than 300")
	}
}

// lookAt observes n containers and returns the bytes that are kept of them.
func lookAt(t *testing.T, n int) int64 {
	s := crowd(t, n, true)
	o := start(t, s, Options{})
	all := make([]observe.Container, 0, n)
	before := heap()
	inv, err := o.Observe(t.Context(), func(c observe.Container) { all = append(all, c) })
	kept := heap() - before
	if err != nil || len(inv.Gaps) > 0 {
		t.Fatalf("error %v, gaps %+v", err, inv.Gaps)
	}
	images, specs := map[string]int{}, map[*observe.Spec]int{}
	for _, c := range all {
		images[string(c.Manifest)+" "+c.Reported]++
		specs[c.Spec]++
		// One text each, and not thousands of equal ones.
		first := all[0]
		if unsafe.StringData(c.Reported) != unsafe.StringData(first.Reported) || unsafe.StringData(c.Namespace) != unsafe.StringData(first.Namespace) || &c.Also[0] != &first.Also[0] {
			t.Fatal("equal containers do not share what is equal")
		}
	}
	if len(all) != n || len(images) != 1 || len(specs) != 1 {
		t.Errorf("%d containers of %d images and %d Specs, want %d of one", len(all), len(images), len(specs), n)
	}
	if reads := s.Calls("/containerd.services.content.v1.Content/Read"); reads > 5 {
		t.Errorf("%d reads of content for one image", reads)
	}
	runtime.KeepAlive(s)
	return kept
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkObserve(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := start(b, crowd(b, n, true), Options{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Observe(b.Context(), func(observe.Container) {}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/container")
		})
	}
}
