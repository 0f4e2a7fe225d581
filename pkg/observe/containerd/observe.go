package containerd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/observe"
)

// Observe implements [observe.Observer]. Sandboxes are counted and not yielded.
func (o *Observer) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	v := &view{o: o, yield: yield, inv: observe.Inventory{Kind: "containerd", Name: o.name}}
	for _, path := range o.others {
		v.inv.NotAsked = append(v.inv.NotAsked, observe.Capability{What: "the runtime at " + path, How: containerdclient.Flag + " unix://" + path})
	}
	var err error
	if o.client == nil {
		v.inv.Kind, v.inv.Version = o.runtime(), o.cri.version
		err = v.onlyCRI(ctx)
	} else {
		v.inv.Version = o.client.Version()
		err = v.namespaces(ctx)
	}
	v.finish()
	return v.inv, err
}

// runtime is what reports call the runtime.
func (o *Observer) runtime() string {
	switch {
	case o.client != nil || o.cri.name == "containerd":
		return "containerd"
	case o.cri.name == "cri-o":
		return "cri-o"
	}
	return "cri"
}

// A view is one Observe.
type view struct {
	o     *Observer
	yield func(observe.Container)
	inv   observe.Inventory
	specs observe.Specs
	share shared
	gaps  gaps

	current map[string]bool        // containers of pods that have not ended, by key
	ended   map[string]description // those that have
	volumes map[string]bool        // image volumes that were yielded

	containers, sandboxes, gone int
}

func (v *view) namespaces(ctx context.Context) error {
	all, err := v.o.client.Namespaces(ctx)
	if err != nil {
		return err
	}
	wanted := all
	if len(v.o.namespaces) > 0 {
		wanted = slices.Compact(slices.Sorted(slices.Values(v.o.namespaces)))
	}
	looked := 0
	for _, name := range wanted {
		if !slices.Contains(all, name) {
			// containerd would take it for an empty one.
			v.inv.Gaps = append(v.inv.Gaps, observe.Gap{What: fmt.Sprintf("namespace %q", name), Cause: fact.NotFound,
				Why: "there is none of this name; there are " + quoted(all)})
			continue
		}
		looked++
		err := v.namespace(ctx, name)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || image.CauseOf(err) == fact.Network {
			return err // the rest would be lost as well
		}
		v.gaps.add(fmt.Sprintf("containers of namespace %q", name), "", err)
	}
	v.inv.Counts = append(v.inv.Counts, observe.Count{What: "namespaces", N: looked})
	return nil
}

// A space is one namespace while its containers are listed.
type space struct {
	name  string
	store *store
	tasks map[string]fact.Phase // nil if they could not be listed; what was seen is taken out
	// criLost is why the CRI is not asked any more.
	criLost error
}

func (v *view) namespace(ctx context.Context, name string) error {
	sp := &space{name: name}
	images, err := v.o.client.Images(ctx, name)
	if err != nil {
		if ctx.Err() != nil || image.CauseOf(err) == fact.Network {
			return err
		}
		v.gaps.add(fmt.Sprintf("images of namespace %q", name), "", err)
	}
	sp.store = newStore(images, v.o.client.Content(name))
	// Before the containers: a task that is left over then has no container.
	if sp.tasks, err = v.o.client.Tasks(ctx, name); err != nil {
		if ctx.Err() != nil {
			return err
		}
		sp.tasks = nil // each is asked for
	}
	err = v.o.client.Containers(ctx, name, func(c *containerdclient.Container) error { return v.container(ctx, sp, c) })
	if err == nil {
		err = v.orphans(ctx, sp)
	}
	v.rest()
	return err
}

// container yields one container of containerd, and the image volumes of it.
func (v *view) container(ctx context.Context, sp *space, c *containerdclient.Container) error {
	if _, sandbox := c.Extensions[extensionSandbox]; sandbox {
		delete(sp.tasks, c.ID)
		v.sandboxes++
		return nil
	}
	d, err := v.o.describe(ctx, sp, c, &v.gaps)
	if errors.Is(err, errGone) {
		v.gone++
		return nil
	}
	if err == nil {
		v.offer(d)
	}
	return err
}

// orphans looks for what runs although nothing says what it is: a container's
// record can be deleted below its task, which then can be listed and not asked.
func (v *view) orphans(ctx context.Context, sp *space) error {
	var left []string
	for _, id := range slices.Sorted(maps.Keys(sp.tasks)) {
		c, err := v.o.client.Container(ctx, sp.name, id)
		switch {
		case err == nil: // it was created while the others were listed
			if err := v.container(ctx, sp, c); err != nil {
				return err
			}
		case image.CauseOf(err) == fact.NotFound:
			left = append(left, id)
		case ctx.Err() != nil || image.CauseOf(err) == fact.Network:
			return err
		default:
			v.gaps.add(fmt.Sprintf("container of namespace %q:", sp.name), id, err)
		}
	}
	if len(left) == 0 {
		return nil
	}
	still, err := v.o.client.Tasks(ctx, sp.name)
	if err != nil {
		return err
	}
	for _, id := range left {
		if p, ok := still[id]; !ok {
			v.gone++
		} else if p != fact.PhaseFinished {
			v.gaps.add(fmt.Sprintf("task of namespace %q:", sp.name), id, &image.Error{Op: "identify", Object: "what runs", Cause: fact.NotFound,
				Err: errors.New("the record of its container was deleted")})
		}
	}
	return nil
}

func (v *view) finish() {
	count := func(what string, n int, always bool) {
		if n > 0 || always {
			v.inv.Counts = append(v.inv.Counts, observe.Count{What: what, N: n})
		}
	}
	count("containers", v.containers, true)
	count("sandboxes", v.sandboxes, false)
	count("containers that ended meanwhile", v.gone, false)
	v.inv.Gaps = append(v.inv.Gaps, v.gaps.list()...)
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, ", ")
}
