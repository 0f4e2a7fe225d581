package observetest

import (
	"cmp"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// A gate lets one through at a time.
type gate struct{ in atomic.Bool }

// enter reports whether nobody else is in. It gives others the chance to run
// into it.
func (g *gate) enter() bool {
	ok := g.in.CompareAndSwap(false, true)
	runtime.Gosched()
	return ok
}

func (g *gate) leave() { g.in.Store(false) }

// A key tells containers apart. One image volume may be mounted in two states.
type key struct{ namespace, pod, role, name, volume string }

func keyOf(c observe.Container) key {
	k := key{c.Namespace, c.Pod, string(c.Spec.Container.Role), c.Spec.Container.Name, ""}
	if c.Spec.Container.Role == fact.RoleVolume {
		k.volume = c.Reported
	}
	return k
}

// checkContainers checks what holds of all containers whatever the place.
func checkContainers(t *testing.T, all []observe.Container) {
	t.Helper()
	seen := map[key]bool{}
	for _, c := range all {
		if c.Spec == nil {
			t.Fatalf("container %s/%s has no Spec", c.Namespace, c.Pod)
		}
		d := c.Spec.Container
		if k := keyOf(c); seen[k] {
			t.Errorf("container %+v is yielded twice", k)
		} else {
			seen[k] = true
		}
		if d.Phase != fact.PhaseRunning && (c.Reported != "" || c.Manifest != "" || len(c.Also) > 0) {
			t.Errorf("container %s/%s [%s] is %q and runs %q", c.Namespace, c.Pod, d.Name, d.Phase, c.Reported)
		}
		if d.Name == "" || d.Role == "" || d.Runtime == "" || c.Pod == "" {
			t.Errorf("container without name, role, runtime or pod: %+v in %q", d, c.Pod)
		}
		if want, err := ref.Parse(d.Image); err == nil && want != d.Ref || err != nil && d.Ref != (ref.Ref{}) {
			t.Errorf("image %q is parsed to %+v, want %+v (%v)", d.Image, d.Ref, want, err)
		}
		if d.Injected && d.Template != "" {
			t.Errorf("container %s/%s [%s] is injected and in its template", c.Namespace, c.Pod, d.Name)
		}
	}
}

// checkInventory checks what holds of every inventory.
func checkInventory(t *testing.T, got observed) {
	t.Helper()
	inv := got.inventory
	for _, g := range inv.Gaps {
		if g.What == "" || g.Why == "" {
			t.Errorf("gap %+v does not say what or why", g)
		}
		switch g.Cause {
		case fact.NotGathered, fact.NotAsked, fact.Internal:
			t.Errorf("gap %+v: a gap is nobody's choice and no fault of ours", g)
		}
	}
	for _, c := range inv.NotAsked {
		if c.What == "" || c.How == "" {
			t.Errorf("capability %+v does not say what or how", c)
		}
	}
	if got.err != nil {
		switch c := image.CauseOf(got.err); c {
		case fact.NotAsked, fact.Internal:
			t.Errorf("error %v has the cause %q", got.err, c)
		}
		return
	}
	if inv.Kind == "" || inv.Name == "" {
		t.Errorf("inventory has no kind or name: %+v", inv)
	}
	for _, n := range inv.Counts {
		if n.What == "" || n.N < 0 {
			t.Errorf("count %+v", n)
		}
		if n.What == "containers" && n.N != len(got.containers) {
			t.Errorf("%d containers are counted, %d yielded", n.N, len(got.containers))
		}
	}
	if !slices.ContainsFunc(inv.Counts, func(c observe.Count) bool { return c.What == "containers" }) {
		t.Errorf("no count of containers in %+v", inv.Counts)
	}
}

// complete reports whether nothing is said to be missing.
func (o observed) complete() bool { return o.err == nil && len(o.inventory.Gaps) == 0 }

// plain is what the suite compares.
func plain(all []observe.Container) []Container {
	var out []Container
	for _, c := range all {
		d := c.Spec.Container
		out = append(out, Container{Namespace: c.Namespace, Pod: c.Pod, Name: d.Name, Role: d.Role, Phase: d.Phase, Image: d.Image, Reported: c.Reported})
	}
	return sorted(out)
}

// wanted is what an observer of this kind is to yield of all.
func (s Suite) wanted(all []Container) []Container {
	var out []Container
	for _, c := range all {
		c.Hidden = false
		if c.Phase != fact.PhaseRunning {
			c.Reported = ""
		}
		if !s.Namespaces {
			c.Namespace = ""
		}
		out = append(out, c)
	}
	return sorted(out)
}

func sorted(all []Container) []Container {
	slices.SortFunc(all, func(a, b Container) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func diff(want, got []Container) string { return gocmp.Diff(want, got) }
