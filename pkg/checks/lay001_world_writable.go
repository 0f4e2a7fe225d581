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
			What:   "A file or directory of the image can be written by every user. A directory with the sticky bit, such as `/tmp`, is none: there nobody can replace what another user made.",
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
				return run(g, `RUN find / -xdev \( -type f -o -type d ! -perm -1000 \) -perm -0002 -exec chmod o-w {} +`, "chmod o-w")
			})}
		},
	}
}
