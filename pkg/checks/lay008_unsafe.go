package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay008() check.Check {
	return check.Check{
		ID:    "LAY008",
		Title: "unsafe entry: leaves the root, device, unsafe link",
		Doc: check.Doc{
			What:   "A layer holds an entry whose name or link target tries to leave the root directory, a device node, or a link that an unpacker must not follow.",
			Why:    "Ordinary builders write no such entries. They are tried against the tool that unpacks the image, on the node or in CI; faults of that kind have let an image overwrite files of the host.",
			Fix:    "Find out which build step adds the entry and remove it there; a later `RUN rm` hides it from the tree but leaves it in the layer that is unpacked. Build the image again.",
			Limits: "Absolute and relative links that stay inside the image are normal and not reported. It says nothing of the tool that unpacks.",
			Since:  since,
		},
		Scopes: layScopes(), Needs: layNeeds(), Images: true, Applies: notUnix,
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			return check.Answer{Findings: groupFindings(t.Unsafe, withDetail, func(fact.PathGroup) string {
				return "build the image again without these entries in that layer"
			})}
		},
	}
}
