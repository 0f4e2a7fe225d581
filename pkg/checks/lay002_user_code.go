package checks

import (
	"path"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay002() check.Check {
	return check.Check{
		ID:    "LAY002",
		Title: "the image's user can change the code it runs",
		Doc: check.Doc{
			What: "The user that the image runs as can change a file on an execution path (program, library, script, loader or cron configuration), directly or by replacing it in its directory.",
			Why:  "A fault in the program that lets somebody write a file then lets them replace the program itself. The container goes on under the digest that was scanned and signed, and runs other code.",
			Fix: "Let root own the code and run as another user: `COPY --chown=root . /app` with a `USER` that is not root. Where the image cannot be changed, " +
				"run it with `readOnlyRootFilesystem: true`; then this is moot for that container.",
			Limits: "It judges the image's own `USER`; a workload may set another. What is an execution path is a closed list; code that a program loads from elsewhere, such as templates, is not on it. " +
				"For root it is not applicable, since root can change everything: see LAY005.",
			Since: since,
		},
		Scopes: layScopes(),
		Needs:  append(layNeeds(), fact.KUser),
		Images: true,
		Applies: func(s *fact.Set) string {
			if u := s.User; u.State == fact.Known && u.V.UID == 0 {
				return "runs as root, which can change everything: see LAY005"
			}
			return notUnix(s)
		},
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			if a := knownUser(s); s.User.State != fact.Known {
				return a
			}
			who := sayUser(s.User.V)
			say := func(paths string, g fact.PathGroup) string {
				return withDetail(paths, g) + " can be changed by " + who
			}
			return check.Answer{Findings: groupFindings(t.UserCode, say, func(g fact.PathGroup) string {
				if line, ok := chownFix(g.CreatedBy); ok {
					return line
				}
				fix := run(withParents(g), "let root own these files and the directories they are in, without write permission for others",
					"chown root:root", "chmod go-w")
				return fix + aboveToo
			})}
		},
	}
}

// withParents adds the directories of the paths: who can write one can replace
// what is in it.
func withParents(g fact.PathGroup) fact.PathGroup {
	if g.Count > len(g.Paths) {
		return g
	}
	var all []fact.Bytes
	for _, p := range g.Paths {
		if dir := fact.Bytes(path.Dir(absolute(p))); dir != "/" && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	for _, p := range g.Paths {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	g.Paths, g.Count = all, len(all)
	return g
}
