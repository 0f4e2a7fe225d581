package checks

import (
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay003() check.Check {
	return check.Check{
		ID:    "LAY003",
		Title: "setuid, setgid or file capabilities",
		Doc: check.Doc{
			What:   "A program gets more rights than the user who starts it: by a setuid or setgid bit, or by file capabilities.",
			Why:    "It is the usual way from an ordinary user to root inside a container, and root can change what runs.",
			Fix:    "Remove the bit (`chmod u-s,g-s`) or the capabilities (`setcap -r`), or the program. Containers that run with `allowPrivilegeEscalation: false` are not affected.",
			Limits: "It says that a program has such rights, not whether it can be abused.",
			Since:  since,
		},
		Scopes: layScopes(), Needs: layNeeds(), Images: true, Applies: notUnix,
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			return check.Answer{Findings: groupFindings(t.Privileged, withDetail, fixPrivileged)}
		},
	}
}

func fixPrivileged(g fact.PathGroup) string {
	const otherwise = "remove the setuid and setgid bits and the file capabilities of these files in the layer that sets them"
	// A capability may be called cap_setuid.
	if !strings.Contains(g.Detail, "capabilit") {
		words, all := spell(g)
		if words != "" && !all {
			// With -R all else below would lose its bits too.
			return "RUN find " + words + " -xdev -type f -perm /6000 -exec chmod u-s,g-s {} +, or name the files one by one"
		}
		return run(g, otherwise, "chmod u-s,g-s")
	}
	// setcap has no -R, so it can only be spelled out.
	if _, all := spell(g); !all {
		return otherwise
	}
	return run(g, otherwise, "setcap -r")
}
