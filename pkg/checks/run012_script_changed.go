package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run012() check.Check {
	return changedFiles(check.Check{
		ID:    "RUN012",
		Title: "script changed at run time",
		Doc: check.Doc{
			What:   "A running container has a script that its image does not have in this form: what begins with `#!`, is named like a script, or is run by a shell, a scheduler or an init system. Added, changed, replaced, removed, or with other permissions or another owner.",
			Why:    "A script is code like a program, and easier to change. A page that was put into an upload folder of a server, a line in a start script, an entry in a crontab run with the rights of the application and outlast its restart.",
			Fix:    changedFix + " Compiled forms that an interpreter writes beside its modules (`__pycache__`) are switched off (`PYTHONDONTWRITEBYTECODE=1`) or made when the image is built.",
			Limits: "As RUN005. A script whose name and content say nothing is taken for data. Names count wherever the file lies: one that is only stored there, such as an upload, counts too. Which files are scripts: `docs/runtime-changes.md`.",
			Since:  since,
		},
	}, renewFix, fact.FileScript)
}
