package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run013() check.Check {
	return changedFiles(check.Check{
		ID:    "RUN013",
		Title: "configuration changed at run time",
		Doc: check.Doc{
			What:   "A running container has configuration that its image does not have in this form: below `/etc`, keys and certificates, files named like settings. Added, changed, replaced, removed, or with other permissions or another owner. What runtimes write themselves, such as `/etc/hosts`, is none.",
			Why:    "An account, an authority that is trusted, an address that requests go to: configuration changes what a program does without changing it, and the next start without the change behaves differently.",
			Fix:    changedFix + " Bring in what differs from place to place as a ConfigMap or Secret, mounted.",
			Limits: "As RUN005. An entry point that fills a template into `/etc` at every start is told too: accept these paths by an exception, or mount what it writes. Which files are configuration: `docs/runtime-changes.md`.",
			Since:  since,
		},
	}, configurationFix, fact.FileConfiguration)
}
