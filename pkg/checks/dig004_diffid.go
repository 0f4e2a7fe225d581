package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig004() check.Check {
	return check.Check{
		ID:    "DIG004",
		Title: "diffID disagrees, or the number of them",
		Doc: check.Doc{
			What: "The expanded bytes of a layer hash to another diffID than the image's config lists, or the config lists more or fewer of them than the manifest has layers.",
			Why: "The config is the image's ID at runtime, and its diffIDs say which file trees it is made of. If they disagree with the layers, `imageID` in a pod or in `docker images` " +
				"speaks of other content than the manifest that was signed. Some runtimes refuse such an image, some run it.",
			Fix: "Build the image again. A tool that recompresses or edits layers must write a new config as well.",
			Limits: "Layers that are encrypted, or that cannot be expanded, are undecided here; DIG008 says why they could not be. " +
				"Not applicable to artifacts, whose config is none of an image.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopePlatform},
		Needs:  []fact.Kind{fact.KImage, fact.KConfig, fact.KLayers},
		Images: true,
		Run:    runDIG004,
	}
}

const fixDiffID = "build the image again with a tool that writes config and layers together"

func runDIG004(s *fact.Set) check.Answer {
	if s.Config.State != fact.Known {
		return notTold("there is no config")
	}
	c := s.Config.V
	var out []check.Finding
	if n := len(c.DiffIDs) + len(c.DiffIDErrors); n != c.LayerCount {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("the config lists %s, the manifest %s", plural(n, "diffID"), plural(c.LayerCount, "layer")),
			Fix:     fixDiffID,
		})
	}
	for _, e := range c.DiffIDErrors {
		out = append(out, check.Finding{Message: fmt.Sprintf("the config lists a diffID that is none: %q", e), Fix: fixDiffID})
	}
	var a check.Answer
	for _, l := range known(s.Layers) {
		switch gap := unreadLayer(s, l); {
		case gap.Undecided:
			a = gap
		case l.DeclaredDiffID == "":
			a = undecided(fact.Dependency, "%s: the config has no diffID for it", nameLayer(l))
		case !l.DiffID.Comparable(l.DeclaredDiffID):
			a = undecided(fact.Unsupported, "%s: the config's diffID is %s", nameLayer(l), l.DeclaredDiffID.Algorithm())
		case l.DiffID != l.DeclaredDiffID:
			f := aboutLayer(l)
			f.Message = fmt.Sprintf("the expanded layer hashes to %s, the config says %s%s",
				l.DiffID, l.DeclaredDiffID, inLayer(f.Layer, l.CreatedBy))
			f.Fix = fixDiffID
			out = append(out, f)
		}
	}
	return withFindings(a, out)
}
