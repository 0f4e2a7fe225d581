// Package docker observes what runs under one Docker engine, or under Podman
// where it answers as one.
//
// What the ID of an image names depends on the engine's store, so each container
// says it: with a graph driver it is the digest of the config, with containerd's
// store that of a manifest or an index, and Podman leaves it open. Names with a
// digest (RepoDigests) come from a registry only with a graph driver; the other
// two make them from their own tags.
package docker

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/observe"
)

// Options of an Observer. The zero value observes the engine that Docker's own
// command would ask.
type Options struct {
	Engine dockerengine.Options
	// Timeout of one small answer; 0 = 30 s.
	Timeout time.Duration
	// Jobs is how many containers are looked at at a time; 0 = 4.
	Jobs int
	// EngineDiff takes the engine's own comparison for changed files even where the
	// files could be read.
	EngineDiff bool
}

// An Observer is an [observe.Observer] and [observe.Files]. It may be used
// concurrently.
type Observer struct {
	o        Options
	endpoint dockerengine.Endpoint
	machine  machine

	mu     sync.Mutex
	engine *dockerengine.Engine // once connected
}

// A machine is what this process can see of where it runs.
type machine struct {
	proc   string // where the proc file system is
	mounts string // the file that lists the mounts
	root   bool
}

var (
	_ observe.Observer = (*Observer)(nil)
	_ observe.Files    = (*Observer)(nil)
)

// New finds the engine, and opens no connection yet. The error says which option
// or file of Docker's configuration is wrong.
func New(o Options) (*Observer, error) {
	ep, err := dockerengine.Find(o.Engine)
	if err != nil {
		return nil, err
	}
	if o.Jobs <= 0 {
		o.Jobs = 4
	}
	return &Observer{o: o, endpoint: ep, machine: machine{"/proc", "/proc/self/mountinfo", runtime.GOOS == "linux" && os.Geteuid() == 0}}, nil
}

// Close releases the connections.
func (o *Observer) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.engine != nil {
		o.engine.Close()
		o.engine = nil
	}
	return nil
}

// connect connects once; a failure is tried again.
func (o *Observer) connect(ctx context.Context) (*dockerengine.Engine, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.engine != nil {
		return o.engine, nil
	}
	e, err := dockerengine.Connect(ctx, o.endpoint, o.o.Timeout)
	if err == nil {
		o.engine = e
	}
	return e, err
}

// Observe implements [observe.Observer]. Containers that went away between the
// list and the look at them are counted and no gap.
func (o *Observer) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	inv := observe.Inventory{Kind: "docker", Name: o.endpoint.Host}
	e, err := o.connect(ctx)
	if err != nil {
		return inv, err
	}
	inv.Version = e.Info.Version
	if e.Info.Name != "" {
		inv.Name = e.Info.Name
	}
	ids, lost := e.Containers(ctx)
	l := &look{engine: e, images: newImages(e), yield: yield}
	if err := l.all(ctx, ids, o.o.Jobs); err != nil && (lost == nil || ctx.Err() != nil) {
		lost = err
	}
	inv.Counts = []observe.Count{{What: "containers", N: l.seen}}
	if l.gone > 0 {
		inv.Counts = append(inv.Counts, observe.Count{What: "containers that went away while they were looked at", N: l.gone})
	}
	inv.Gaps = l.gaps.all()
	return inv, lost
}
