package policyreport

import (
	"context"
	"slices"

	"github.com/intact-dev/intact/pkg/observe"
)

// Seen is what a report of a scan does not hold of a cluster: which objects the
// workloads are, and whether there may be more of them. It is for one run, and read
// when that is over.
type Seen struct {
	observe.Observer
	workloads map[string]workload // by namespace/kind/name, as origins have it
	gaps      []observe.Gap
	err       error
}

// A workload is what one report is about.
type workload struct {
	namespace, apiVersion, kind, name, uid string
	// unclear says that several objects of that kind and name are, or were, there.
	unclear bool
}

// See returns an observer that sees what o does and remembers it.
func See(o observe.Observer) *Seen {
	return &Seen{Observer: o, workloads: map[string]workload{}}
}

// Observe implements [observe.Observer].
func (s *Seen) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	inv, err := s.Observer.Observe(ctx, func(c observe.Container) {
		w := c.Workload
		if w.Kind == "" {
			w = observe.Workload{APIVersion: "v1", Kind: "Pod", Name: c.Pod}
		}
		s.add(c.Namespace, w)
		yield(c)
	})
	for _, h := range inv.Histories { // of some nothing runs
		s.add(h.Namespace, h.Workload)
	}
	s.gaps, s.err = inv.Gaps, err
	return inv, err
}

func (s *Seen) add(namespace string, w observe.Workload) {
	key := namespace + "/" + w.Kind + "/" + w.Name
	now := workload{namespace: namespace, apiVersion: w.APIVersion, kind: w.Kind, name: w.Name, uid: w.UID}
	was, known := s.workloads[key]
	switch {
	case known && now == was, known && w.UID == "":
		return
	case known && was.uid != "":
		now = workload{namespace: namespace, kind: w.Kind, name: w.Name, unclear: true}
	}
	if !was.unclear {
		s.workloads[key] = now
	}
}

// hides reports whether there may be containers in a namespace that nobody saw,
// and says what was not seen.
func (s *Seen) hides(namespace string) (string, bool) {
	for _, g := range s.gaps {
		if g.Hides(namespace) {
			return g.What + ": " + g.Why, true
		}
	}
	if s.err != nil {
		return "the rest of the inventory: " + s.err.Error(), true
	}
	return "", false
}

// whole reports whether nothing is missing that could be there.
func (s *Seen) whole() bool {
	return s.err == nil && !slices.ContainsFunc(s.gaps, func(g observe.Gap) bool { return !g.OfNodes() })
}
