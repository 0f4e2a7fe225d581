package containerd

import (
	"context"

	"github.com/intact-dev/intact/pkg/observe"
)

var _ observe.Files = (*Lookup)(nil)

// Written lists what a pod's container has written, whoever saw the pod. The
// error has the cause fact.NotFound if it is not on this machine.
func (l *Lookup) Written(ctx context.Context, c observe.Container, yield func(observe.Written)) error {
	here, _, err := l.Container(ctx, c.ID)
	if err != nil {
		return err
	}
	return l.o.Written(ctx, here, yield)
}

// Reads says how it looks.
func (l *Lookup) Reads() (how string, claims bool) { return l.o.Reads() }
