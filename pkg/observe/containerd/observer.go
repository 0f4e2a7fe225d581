// Package containerd observes the containers of a containerd, or of another
// runtime that speaks the CRI, over its socket, and reads the files that they
// have written.
//
// What a container is of is told by who could have written it. Its labels are
// partly those of its image, which nobody on the node chose; the extensions of
// its record are written by the CRI plugin alone. So only they say that it is a
// sandbox, or of which pod it is.
package containerd

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/overlay"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// Options say which runtime to look at, and at what of it.
type Options struct {
	// Address is the path of the runtime's socket, or unix:// and the path: of
	// containerd, or of a CRI such as CRI-O. "" is the first that is found in the
	// usual places; others that are there become a Capability that was not asked for.
	Address string
	// CRI is the socket of the CRI, if it is not served at Address.
	CRI string
	// Namespaces are those of containerd to look at; empty is all.
	Namespaces []string
	// Name is what reports call the machine; "" is its own name.
	Name string

	call, idle time.Duration // of containerdclient.Options
}

// An Observer looks at one runtime. It implements [observe.Observer] and
// [observe.Files]. Observe may not be used concurrently; Find and Written may.
type Observer struct {
	name       string
	client     *containerdclient.Client // nil for a runtime that only speaks the CRI
	cri        *cri                     // nil if there is none
	criErr     error                    // why not
	close      []func() error
	namespaces []string // those asked for; empty = all
	platform   ref.Platform
	others     []string // sockets that were not asked
	walk       walk
}

// New connects to a runtime. The error says what is there instead. The caller
// closes the Observer.
func New(ctx context.Context, o Options) (*Observer, error) {
	var others []string
	if o.Address == "" {
		found, err := containerdclient.Discover(append(containerdclient.Sockets(), containerdclient.CRIO))
		if err != nil {
			return nil, err
		}
		o.Address, others = found[0], found[1:]
	}
	return connect(ctx, o, others)
}

func connect(ctx context.Context, o Options, others []string) (*Observer, error) {
	out := &Observer{name: o.Name, namespaces: o.Namespaces, others: others, walk: overlay.Walk}
	if out.name == "" {
		// A report without the machine's name is better than none.
		if out.name, _ = os.Hostname(); out.name == "" {
			out.name = "localhost"
		}
	}
	if err := out.connect(ctx, o); err != nil {
		_ = out.Close()
		return nil, err
	}
	return out, nil
}

func (o *Observer) connect(ctx context.Context, opts Options) error {
	conn, err := o.dial(ctx, opts, opts.Address)
	if err != nil {
		return err
	}
	o.client, err = containerdclient.New(ctx, conn)
	if err != nil {
		// Without containerd's own API it may be a CRI nevertheless.
		if image.CauseOf(err) != fact.Unsupported {
			return err
		}
		var criErr error
		if o.cri, criErr = newCRI(ctx, conn); criErr != nil {
			return err
		}
		o.platform = machine()
		return nil
	}
	o.platform, err = o.client.Platform(ctx)
	if err != nil && (ctx.Err() != nil || image.CauseOf(err) == fact.Network) {
		return err
	}
	if o.platform == (ref.Platform{}) {
		o.platform = machine()
	}
	if opts.CRI != "" && strings.TrimPrefix(opts.CRI, "unix://") != conn.Path() {
		if conn, err = o.dial(ctx, opts, opts.CRI); err != nil {
			return err
		}
		o.cri, err = newCRI(ctx, conn)
		return err
	}
	// The CRI plugin may be switched off; only pods miss it.
	if o.cri, o.criErr = newCRI(ctx, conn); o.criErr != nil && (opts.CRI != "" || ctx.Err() != nil) {
		return o.criErr
	}
	if o.criErr != nil {
		o.cri = nil
		if image.CauseOf(o.criErr) == fact.Network {
			o.criErr = silent(o.criErr)
		}
	}
	return nil
}

func (o *Observer) dial(ctx context.Context, opts Options, address string) (*containerdclient.Conn, error) {
	conn, err := containerdclient.Connect(ctx, containerdclient.Options{Address: address, Call: opts.call, Idle: opts.idle})
	if err == nil {
		o.close = append(o.close, conn.Close)
	}
	return conn, err
}

// Close ends the connections.
func (o *Observer) Close() error {
	var first error
	for _, c := range o.close {
		if err := c(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Reads implements [observe.Files].
func (o *Observer) Reads() (how string, claims bool) { return "the overlay's upper directory", false }

var (
	_ observe.Observer = (*Observer)(nil)
	_ observe.Files    = (*Observer)(nil)
)
