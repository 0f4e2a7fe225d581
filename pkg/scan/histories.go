package scan

import (
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// histories gives the groups of a workload its former revisions. A workload of
// which nothing runs, scaled to none, has a group for each container of its
// newest former revision.
func (c *collector) histories(all []observe.History) {
	for _, h := range all {
		w := c.workload(observe.Container{Namespace: h.Namespace, Workload: h.Workload, Spec: &observe.Spec{}})
		for _, r := range h.Revisions {
			for _, part := range r.Containers {
				g := c.groupOf(w, part.Name, part.Role)
				g.missing = h.Missing
				g.revisions = append(g.revisions, observe.Revision{Name: r.Name, Number: r.Number, Containers: []observe.RevisionContainer{part}})
			}
		}
	}
}

// gapOf is an observer's error as a gap: the place was lost, or was never there.
func gapOf(err error) observe.Gap {
	return observe.Gap{What: "the rest of the inventory", Cause: causeOf(err), Why: err.Error(), Hint: image.HintOf(err)}
}

// causeOf never returns that nobody asked: an error is no choice.
func causeOf(err error) fact.Cause {
	if c := image.CauseOf(err); c != fact.NotAsked {
		return c
	}
	return fact.Internal
}
