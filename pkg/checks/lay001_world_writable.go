package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay001() check.Check {
	return check.Check{
		ID:    "LAY001",
		Title: "world-writable path",
		Doc: check.Doc{
			What:   "A file or directory of the image can be written by every user.",
			Why:    "Whatever process gets into the container, as whatever user, can change it or leave something there, and the change stays until the container is replaced.",
			Fix:    "Take the permission away in the layer that gives it (`chmod o-w`, or `COPY --chmod=755`). Give a process that needs scratch space a volume instead of a directory of the image.",
			Limits: "Mode bits only: access control lists are not judged. Links have no mode of their own. It does not say whether anything uses the path: LAY002 does, for code.",
			Since:  since,
		},
		Scopes: layScopes(), Needs: layNeeds(), Images: true, Applies: notUnix,
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			return check.Answer{Findings: groupFindings(t.WorldWritable, withDetail, func(g fact.PathGroup) string {
				return run(g, "take the write permission of others from each of them (find / -xdev ! -type l -perm -0002 lists them)", "chmod o-w")
			})}
		},
	}
}
