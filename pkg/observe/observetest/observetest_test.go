package observetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/observetest"
	"github.com/intact-dev/intact/pkg/ref"
)

// What the suite asks for can be done.
func TestSuite(t *testing.T) {
	t.Parallel()
	observetest.Run(t, observetest.Suite{
		Roles: []fact.Role{fact.RoleMain, fact.RoleInit, fact.RoleSidecar, fact.RoleEphemeral, fact.RoleVolume},
		Pods:  true, Namespaces: true,
		Open: func(_ *testing.T, p *observetest.Place) observe.Observer { return list{p} },
	})
}

// A list is an observer of what it is given.
type list struct{ place *observetest.Place }

func (l list) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	inv := observe.Inventory{Kind: "list", Name: "test"}
	var specs observe.Specs
	n := 0
	for _, c := range l.place.Containers {
		if err := l.fault(ctx, n); err != nil {
			return inv, err
		}
		if c.Hidden {
			inv.Gaps = []observe.Gap{{What: "container " + c.Name, Cause: fact.Forbidden, Why: "it is hidden"}}
			continue
		}
		if c.Phase != fact.PhaseRunning {
			c.Reported = ""
		}
		r, _ := ref.Parse(c.Image)
		yield(observe.Container{Namespace: c.Namespace, Pod: c.Pod, Reported: c.Reported, Spec: specs.One(&observe.Spec{
			Container: fact.Container{Name: c.Name, Role: c.Role, Phase: c.Phase, Runtime: "list", Image: c.Image, Ref: r}})})
		n++
	}
	inv.Counts = []observe.Count{{What: "containers", N: n}}
	return inv, nil
}

func (l list) fault(ctx context.Context, n int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case l.place.Fault == observetest.Dies && n == 300:
		return &image.Error{Op: "list", Cause: fact.Network, Err: errors.New("it is gone")}
	case l.place.Fault == observetest.Hangs && n == 300:
		l.place.Hung()
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
