package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// undeclarable says why a container is in no file that a team keeps, or why there
// is nothing to compare it with.
func undeclarable(s *fact.Set) string {
	if s.Declared.State == fact.Absent {
		return "no files were given to compare with (intact scan -f PATH --workloads …)"
	}
	if s.Container.State != fact.Known {
		return ""
	}
	switch c := s.Container.V; {
	case c.Phase == fact.PhaseFinished:
		return nothingRuns
	case c.Role == fact.RoleEphemeral || c.Added:
		return "an ephemeral container, added to a pod that runs: RUN006"
	case c.Injected:
		return "injected: the template of its owner does not have it"
	case c.Static:
		return "a static pod: a file on its node declares it"
	}
	return ""
}

// runsOrWaits says of a container that has not ended what it does.
func runsOrWaits(c fact.Container) string {
	if c.Phase == fact.PhaseWaiting {
		return "waits to run"
	}
	return "runs"
}

// mayBeIt is the answer where the files hold declarations that were not read.
func mayBeIt(n int) check.Answer {
	return undecided(fact.Unsupported, "%s in the files could not be evaluated and may be this container's", plural(n, "declaration"))
}
