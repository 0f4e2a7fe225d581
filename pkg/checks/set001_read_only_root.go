package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func set001() check.Check {
	return check.Check{
		ID:    "SET001",
		Title: "root file system is not declared read-only",
		Doc: check.Doc{
			What: "A container is declared without `readOnlyRootFilesystem: true`, in a file or in a workload. The default is writable. Init containers and sidecars count as well as main ones.",
			Why:  "A read-only root makes the image immutable where it counts, in the running container: then nothing of it can be changed, whoever owns it and whoever the process runs as.",
			Fix:  readOnlyFix,
			Limits: "The setting alone: mounts stay writable under it (SET002), a privileged process can make it writable again (SET003), and a VOLUME of the image (LAY004), /dev/shm and what the runtime mounts itself stay writable too. " +
				"Not applicable to ephemeral containers, whose specification nobody keeps (RUN007 judges them while they run), to image volumes and to Windows containers.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KSettings, fact.KContainer},
		Uses:   []fact.Kind{fact.KConfig, fact.KReference},
		Run: func(s *fact.Set) check.Answer {
			message := "readOnlyRootFilesystem is not true"
			if c := s.Container; c.State == fact.Known {
				if c.V.Role == fact.RoleEphemeral {
					return notTold("an ephemeral container is in no template: see RUN007")
				}
				message = fmt.Sprintf("%q: %s", c.V.Name, message)
			}
			if !isKubernetes(s) {
				message = "the root file system is not declared read-only"
			}
			return writableRoot(s, message)
		},
	}
}
