package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run014() check.Check {
	return changedFiles(check.Check{
		ID:    "RUN014",
		Title: "data written into the image's tree",
		Doc: check.Doc{
			What:   "A running container has written files into the tree of its image, and not into a mount: caches, logs, uploads, temporary files. Neither programs, libraries and scripts (RUN005, RUN012) nor configuration (RUN013).",
			Why:    "It is lost with the container and keeps its root file system from being read-only, which is what would make the rest of it immutable. What it holds is nowhere declared.",
			Fix:    "Mount an `emptyDir`, a tmpfs or a volume where the program must write, and set `readOnlyRootFilesystem: true` (Docker: `--read-only --tmpfs DIR`). A mount hides what the image has in that directory.",
			Limits: "As RUN005. What was written and removed again before it was looked at is not seen, so a container without findings may still need a place to write.",
			Since:  since,
		},
	}, dataFix, fact.FileData)
}
