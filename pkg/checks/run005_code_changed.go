package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run005() check.Check {
	return changedFiles(check.Check{
		ID:    "RUN005",
		Title: "executable or library changed at run time",
		Doc: check.Doc{
			What: "A running container has a program or a library that its image does not have in this form: added, changed, replaced, removed, or with other permissions, another owner or other file capabilities. Content decides, not the time of a file: one that was touched, or written again with the same bytes, is none.",
			Why:  "What was built, scanned and signed is not what runs. A program that was dropped by `kubectl exec` or through a fault of the application, a library that was exchanged, a binary that updated itself: the digest that the cluster shows stays the same.",
			Fix:  changedFix + " What must be there belongs into the image.",
			Limits: "What the writable layer shows at that moment: processes without a file, deleted files that are still open, mounts and volumes are not seen. It is asked for on its own and needs root on the machine that runs the container; " +
				"what only the engine says is told as such and never passes. Which files are programs and libraries: `docs/runtime-changes.md`.",
			Since: since,
		},
	}, renewFix, fact.FileExecutable, fact.FileLibrary)
}

// changedFix is the fix of all checks of changed files.
const changedFix = "Make the container anew: delete the pod, or remove the container and create it again. Set `readOnlyRootFilesystem: true` (Docker: `--read-only`), so that it cannot happen again."
