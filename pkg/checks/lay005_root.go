package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay005() check.Check {
	return check.Check{
		ID:    "LAY005",
		Title: "runs as root",
		Doc: check.Doc{
			What:   "The image's user is root: `USER` is missing, is `0` or `root`, or is a name that the image's own passwd file gives the number 0.",
			Why:    "Root can change every file of the container, so nothing in it is immutable: program, libraries, configuration, the means to detect a change. It is also the shortest way out of the container.",
			Fix:    "Set a numeric user as the last `USER` of the Dockerfile: `USER 65532:65532`. By number, so that Kubernetes' `runAsNonRoot` can check it.",
			Limits: "The image's own user; a workload may set another. User namespaces map root to an ordinary user outside, which changes nothing inside. Without the layers only a missing user, `0` and `root` can be told.",
			Since:  since,
		},
		Scopes: layScopes(),
		Needs:  []fact.Kind{fact.KImage, fact.KConfig},
		Uses:   []fact.Kind{fact.KUser},
		Images: true, Applies: notUnix,
		Run: runLAY005,
	}
}

func runLAY005(s *fact.Set) check.Answer {
	if s.Config.State != fact.Known {
		return notTold("there is no config")
	}
	f := check.Finding{
		Fix: "USER 65532:65532 (or any other number than 0) as the last USER of the Dockerfile",
		Consequences: []string{
			"every path of the image can be changed from inside the container",
		},
	}
	spec := s.Config.V.User
	switch u := s.User; u.State {
	case fact.Known:
		if u.V.UID != 0 {
			return check.Answer{}
		}
		f.Message = rootMessage(u.V.Spec)
	default:
		// Without the passwd file only what needs no look-up can be told.
		name, _, _ := strings.Cut(spec, ":")
		if name != "" && name != "0" && name != "root" {
			return knownUser(s)
		}
		f.Message = rootMessage(spec)
	}
	return check.Answer{Findings: []check.Finding{f}}
}

func rootMessage(spec string) string {
	if spec == "" {
		return "the image sets no USER, so it runs as root"
	}
	return fmt.Sprintf("USER %q is root", spec)
}
