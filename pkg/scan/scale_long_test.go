//go:build e2e && long

package scan_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
)

// A fleet is a cluster of many Deployments with ten replicas each, over 200
// images. No two Deployments are configured by the same ConfigMap.
type fleet struct {
	host       string
	digests    []ref.Digest
	containers int
}

const replicas = 10

func (f fleet) Observe(_ context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	for d := range f.containers / replicas {
		n := d % len(f.digests)
		image := fmt.Sprintf("%s/team/app-%03d:1.0.0", f.host, n)
		r, err := ref.Parse(image)
		if err != nil {
			return observe.Inventory{}, err
		}
		spec := &observe.Spec{
			Container: fact.Container{
				Name: "main", Role: fact.RoleMain, Phase: fact.PhaseRunning, Runtime: "kubernetes",
				Image: image, Ref: r, Template: image, Owner: "Deployment", Platform: amd64,
			},
			Settings: fact.Settings{Configs: []fact.ConfigObject{{Kind: "ConfigMap", Name: fmt.Sprintf("app-%05d", d), Use: "env", Immutable: fact.Yes}}},
		}
		for i := range replicas {
			pod := fmt.Sprintf("app-%05d-6d4cf56db6-%05d", d, i)
			yield(observe.Container{
				Spec: spec, Namespace: fmt.Sprintf("team-%02d", d%20), Pod: pod, Node: fmt.Sprintf("node-%03d", (d+i)%200),
				Reported: fmt.Sprintf("%s/team/app-%03d@%s", f.host, n, f.digests[n]),
				Workload: observe.Workload{Kind: "Deployment", Name: fmt.Sprintf("app-%05d", d), Template: "6d4cf56db6", Current: fact.Yes},
			})
		}
	}
	return observe.Inventory{Kind: "kubernetes", Name: "fleet"}, nil
}

// A hundred thousand containers take five times as long as twenty thousand, and
// little memory more.
func TestALargeFleetIsLinear(t *testing.T) {
	e := newEngine(t, "")
	f := fleet{host: e.server.Host}
	for n := range 200 {
		built := build(t, twoPlatforms(fmt.Sprint("v", n)))
		e.put(t, fmt.Sprintf("team/app-%03d", n), "1.0.0", built)
		f.digests = append(f.digests, built.Root.Descriptor.Digest)
	}
	measure := func(containers int) (peak uint64, took time.Duration) {
		f.containers = containers
		o := e.options
		o.Depth, o.Runtimes = policy.DepthManifest, []scan.Runtime{{Observer: f, Name: "fleet", Place: e.runtime(fixed{}).Place}}
		var r *report.Report
		peak = peakHeap(func() {
			start := time.Now()
			r = scan.Run(t.Context(), nil, o)
			took = time.Since(start)
		})
		seen := 0
		for _, target := range r.Targets {
			if target.Kind == ref.KindImage {
				seen += target.Origins.Len()
			}
		}
		if seen != containers {
			t.Fatalf("%d containers in the report of %d", seen, containers)
		}
		return peak, took
	}
	measure(1000)
	few, short := measure(20_000)
	many, long := measure(100_000)
	perContainer := float64(many-few) / 80_000
	t.Logf("20,000: %v, %d MiB; 100,000: %v, %d MiB; %.0f bytes more per container", short, few>>20, long, many>>20, perContainer)
	if long > 8*short {
		t.Errorf("100,000 containers took %v, 20,000 took %v", long, short)
	}
	if perContainer > 300 {
		t.Errorf("%.0f bytes more per container", perContainer)
	}
}

// peakHeap is the most memory that was held while f ran, little of it garbage.
func peakHeap(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	var peak atomic.Uint64
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return peak.Load()
}
