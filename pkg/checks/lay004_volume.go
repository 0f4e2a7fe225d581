package checks

import (
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay004() check.Check {
	return check.Check{
		ID:    "LAY004",
		Title: "a VOLUME stays writable under a read-only root",
		Doc: check.Doc{
			What:   "The image declares a `VOLUME`. Runtimes put an anonymous volume there, and it is writable even if the container's root filesystem is read-only.",
			Why:    "Who sets a read-only root believes that nothing in the container can change. The volume can, it may hold code, and with Docker it outlives the container.",
			Fix:    "Remove the `VOLUME` instruction and mount what must be written explicitly where the container is declared. An inherited volume cannot be removed: choose another base image or copy what is needed out of it.",
			Limits: "From the config alone; it does not say what is written there. Runtimes differ: Docker and containerd's CRI create the volume, some others ignore the declaration.",
			Since:  since,
		},
		Scopes: layScopes(),
		Needs:  []fact.Kind{fact.KImage, fact.KConfig},
		Images: true, Applies: notUnix,
		Run: runLAY004,
	}
}

func runLAY004(s *fact.Set) check.Answer {
	if s.Config.State != fact.Known {
		return notTold("there is no config")
	}
	// One instruction, one finding.
	var lines []string
	volumes := map[string][]fact.Bytes{}
	for _, v := range s.Config.V.Volumes {
		line := volumeLine(s.Config.V.History, v)
		if volumes[line] == nil {
			lines = append(lines, line)
		}
		volumes[line] = append(volumes[line], fact.Bytes(v))
	}
	var out []check.Finding
	for _, line := range lines {
		f := check.Finding{
			Fix:       "remove the VOLUME instruction, or build on an image without it; mount what must be written where the container is declared",
			Paths:     volumes[line],
			Dir:       commonDir(volumes[line]),
			Count:     len(volumes[line]),
			CreatedBy: line,
		}
		f.Message = "writable even if the root filesystem is read-only: " + showPaths(f.Paths, f.Dir, f.Count)
		if shown := historyLine(line); shown != "" {
			f.Message += ", by " + shown
		}
		out = append(out, f)
	}
	return check.Answer{Findings: out}
}

// volumeLine returns the history line that declares v. It is a help for people:
// history proves nothing.
func volumeLine(history []fact.History, v string) string {
	for _, h := range history {
		if rest, ok := strings.CutPrefix(instruction(h.CreatedBy), "VOLUME "); ok && strings.Contains(rest, v) {
			return h.CreatedBy
		}
	}
	return ""
}
