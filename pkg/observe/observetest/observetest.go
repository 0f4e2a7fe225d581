// Package observetest is the conformance suite of observers. Every observer
// passes it:
//
//	observetest.Run(t, observetest.Suite{
//		Roles: []fact.Role{fact.RoleMain},
//		Open: func(t *testing.T, p *observetest.Place) observe.Observer {
//			return open(t, fakeServer(t, p)) // sees exactly p
//		},
//	})
//
// It is about seeing everything, once, and saying what was not seen. What an
// observer makes of the details of its place is tested beside it.
package observetest

import (
	"context"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// A Suite says what can be in a place of the observer's kind, and makes one.
type Suite struct {
	// Roles are those that the place knows.
	Roles []fact.Role
	// Pods says that containers have a name in a pod. If not, Name and Pod of a
	// [Container] are equal.
	Pods bool
	// Namespaces says that containers are in namespaces. If not, those of the suite
	// are to be ignored; names of pods are unique.
	Namespaces bool
	// Open returns an observer of a place that holds exactly p's containers, and has
	// p's fault. It asks for nothing that is not switched on by default. What it
	// opens it closes in t.Cleanup.
	Open func(t *testing.T, p *Place) observe.Observer
}

// A Place is what an observer under test is to see.
type Place struct {
	Containers []Container
	Fault      Fault
	// Hung is called by a place with [Hangs] when it has stopped answering; it may
	// be called more than once.
	Hung func()
}

// A Container is one container of a Place.
type Container struct {
	Namespace string
	Pod       string // several containers may be of one pod, if there are Pods
	Name      string // unique in its pod
	Role      fact.Role
	Phase     fact.Phase
	Image     string // as declared
	// Reported is what the runtime says that it runs. A place may have it for one
	// that does not run as well: then it is of an earlier start, and not to be
	// reported.
	Reported string
	// Hidden marks what the place refuses to show, under [HidesPart]: the namespace,
	// or the one container, cannot be read.
	Hidden bool
}

// A Fault is what is wrong with a Place.
type Fault int

// Faults.
const (
	None      Fault = iota
	HidesPart       // part of it cannot be seen: what is Hidden, and no more
	Dies            // it is lost on the way, after some of the containers were seen
	Hangs           // it stops answering, after it was opened
)

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, Suite)
	}{
		{"yields_what_is_there", yieldsTest},
		{"reports_only_what_runs", reportedTest},
		{"yields_one_at_a_time", oneAtATimeTest},
		{"shares_what_is_equal", sharesTest},
		{"sees_an_empty_place", emptyTest},
		{"can_look_again", againTest},
		{"says_what_is_hidden", hiddenTest},
		{"keeps_what_was_seen_before_the_end", diesTest},
		{"ends_with_its_context", contextTest},
		{"does_not_start_when_cancelled", cancelledTest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, s)
		})
	}
}

// observed is what came out of one Observe.
type observed struct {
	containers []observe.Container
	inventory  observe.Inventory
	err        error
}

// look observes p and checks what holds of every observation.
func (s Suite) look(t *testing.T, p *Place) observed {
	t.Helper()
	return watch(t.Context(), t, s.Open(t, p), func(int) {})
}

// watch observes with o, telling seen how many containers there were so far.
func watch(ctx context.Context, t *testing.T, o observe.Observer, seen func(n int)) observed {
	t.Helper()
	var out observed
	var gate gate
	out.inventory, out.err = o.Observe(ctx, func(c observe.Container) {
		if !gate.enter() {
			t.Error("yield is called by two at a time, or after Observe returned")
			return
		}
		defer gate.leave()
		out.containers = append(out.containers, c)
		seen(len(out.containers))
	})
	if !gate.enter() { // for good
		t.Error("Observe returned while yield was running")
	}
	checkContainers(t, out.containers)
	checkInventory(t, out)
	return out
}
