package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay007() check.Check {
	return check.Check{
		ID:    "LAY007",
		Title: "entrypoint missing, or found through something writable",
		Doc: check.Doc{
			What: "The program that the image starts does not exist in it, or a step on the way to it (a `PATH` directory, a link, its interpreter, the file itself) can be changed by the image's user or by everyone.",
			Why:  "Who can change one of these steps decides what the next start of the container runs. A missing program is supplied by whoever can put a file there, such as a volume.",
			Fix:  "Name the program by its absolute path in exec form, let root own it and every directory on the way to it, and leave writable directories out of `PATH`.",
			Limits: "The image's own entrypoint; a workload may set another. Of a shell form it follows the first program as far as the line is plain words; what a script goes on to run is not followed. " +
				"An image that names no command is not applicable.",
			Since: since,
		},
		Scopes: layScopes(), Needs: layNeeds(), Uses: []fact.Kind{fact.KUser}, Images: true, Applies: notUnix,
		Run: runLAY007,
	}
}

func runLAY007(s *fact.Set) check.Answer {
	t, none := tree(s)
	if none != "" {
		return notTold(none)
	}
	c, e := s.Config.V, t.Entrypoint
	if len(c.Entrypoint)+len(c.Cmd) == 0 && e.Argv0 == "" {
		return notTold("the image names no command")
	}
	var out []check.Finding
	// A program that is there may still name an interpreter that is not.
	if e.Program == "" || e.Missing != "" {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("the image starts %q, which cannot run: %s", e.Argv0, orElse(e.Missing, "no such file")),
			Fix:     "put what is missing into the image, or name the program that is there by its absolute path",
		})
	}
	if len(e.Writable) > 0 {
		var steps []string
		for _, p := range e.Writable {
			steps = append(steps, show(string(p)))
		}
		out = append(out, check.Finding{
			Message: fmt.Sprintf("%q is found through what the image's user or everyone can change: %s", e.Argv0, strings.Join(steps, ", ")),
			Fix:     fixSteps(e.Writable),
		})
	}
	if e.Shell {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("shell form: what %s starts was followed only as far as it is plain words", show(string(e.Program))),
			Note:    true,
		})
	}
	// What is missing or everyone's is so for every user; what is this user's can
	// only be told if he is known.
	return withFindings(knownUser(s), out)
}

func fixSteps(steps []fact.Bytes) string {
	g := fact.PathGroup{Paths: steps, Count: len(steps), Dir: "/"}
	return run(g, "let root own each of them, without write permission for others", "chown root:root", "chmod go-w") + aboveToo
}
