package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run007() check.Check {
	return check.Check{
		ID:    "RUN007",
		Title: "root file system of a running container is writable",
		Doc: check.Doc{
			What: "A container runs with a root file system that it can write to. Every container of a pod that runs at the moment counts: init containers, sidecars and ephemeral ones too.",
			Why:  "What gets into the container can change programs, libraries and configuration in place. The digest that the cluster shows stays the same, and a restart of the process, though not of the container, runs what was changed.",
			Fix:  readOnlyFix,
			Limits: "The setting, not what was written: RUN005, RUN012, RUN013 and RUN014 find that. It does not say who in the container may write: that depends on the user, see LAY002 and SET003. " +
				"Mounts stay writable under a read-only root: see SET002. Not applicable to Windows containers, which have no such setting, and to what does not run at the moment: SET001 judges what is declared.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer, fact.KSettings},
		Uses:   []fact.Kind{fact.KConfig, fact.KReference},
		Run:    runRUN007,
	}
}

// readOnlyFix is the fix of RUN007 and SET001.
const readOnlyFix = "Set `readOnlyRootFilesystem: true` in the container's `securityContext` (Docker: `--read-only`, Compose: `read_only: true`), and mount an `emptyDir` or tmpfs where the program must write. " +
	"`--suggest` names these places and prints the patch."

func runRUN007(s *fact.Set) check.Answer {
	switch c := s.Container; {
	case c.State != fact.Known:
		return notTold("nothing runs yet: see SET001")
	case c.V.Phase == fact.PhaseWaiting || c.V.Phase == fact.PhaseFinished:
		return notTold("does not run at the moment: see SET001")
	}
	return writableRoot(s, fmt.Sprintf("%q runs with a writable root file system", s.Container.V.Name))
}

// writableRoot is the answer about the root file system; message is of the
// finding.
func writableRoot(s *fact.Set, message string) check.Answer {
	if s.Settings.State != fact.Known {
		return notTold("there are no settings of a container")
	}
	if why := noProcess(s); why != "" {
		return notTold(why)
	}
	// A pass comes before what Windows cannot do: without the config, too, it is one.
	if s.Settings.V.ReadOnlyRoot {
		return check.Answer{}
	}
	if onWindows(s) {
		return notTold("windows container")
	}
	fix := "readOnlyRootFilesystem: true in its securityContext, with an emptyDir where it must write (--suggest prints the patch)"
	switch {
	case !isKubernetes(s):
		fix = "run it with --read-only (Compose: read_only: true) and a tmpfs where it must write"
	case s.Container.State == fact.Known && s.Container.V.Role == fact.RoleEphemeral:
		fix = "end the ephemeral container: see RUN006"
	}
	return check.Answer{Findings: []check.Finding{{
		Message: message, Fix: fix, Origin: whereOf(s),
		Consequences: []string{"who gets in can change what it runs, and the digest stays the same"},
	}}}
}
