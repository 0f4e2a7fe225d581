package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func lay006() check.Check {
	return check.Check{
		ID:    "LAY006",
		Title: "the image can modify itself",
		Doc: check.Doc{
			What: "The image holds a package manager, self-updater, configuration agent or scheduler (apt, dnf, apk, pip, npm; unattended-upgrades, watchtower; puppet, chef, salt, ansible-pull; cron) " +
				"that its user can run to effect: as root, or on a directory that it can write.",
			Why:    "A container that updates itself is no longer the image that was tested, and two replicas of it differ. The same tools fetch and install whatever an intruder wants.",
			Fix:    "Leave such tools in the build stage: copy what is needed into a final stage without them, or remove them in the last layer. Change an image by building a new one.",
			Limits: "A closed list of tools at their usual places. A program that updates itself by its own code, or a script that fetches something, is not seen.",
			Since:  since,
		},
		Scopes: layScopes(), Needs: append(layNeeds(), fact.KUser), Images: true, Applies: notUnix,
		Run: func(s *fact.Set) check.Answer {
			t, none := tree(s)
			if none != "" {
				return notTold(none)
			}
			return check.Answer{Findings: toolFindings(t.Tools)}
		},
	}
}

// toolFindings makes one finding of the tools of one kind that came with one
// layer and have one effect.
func toolFindings(tools []fact.Tool) []check.Finding {
	type group struct {
		kind, effect, createdBy string
		layer                   int
	}
	var order []group
	names, paths := map[group][]string{}, map[group][]fact.Bytes{}
	for _, t := range tools {
		g := group{t.Kind, t.Effect, t.CreatedBy, t.Layer}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], show(t.Name))
		paths[g] = append(paths[g], t.Path)
	}
	var out []check.Finding
	for _, g := range order {
		f := pathFinding(fact.PathGroup{
			Dir: commonDir(paths[g]), Paths: paths[g], Count: len(paths[g]), Layer: g.layer, CreatedBy: g.createdBy,
		})
		f.Message = fmt.Sprintf("%s (%s) %s%s", strings.Join(names[g], ", "), g.kind, sayEffect(g.effect), inLayer(f.Layer, g.createdBy))
		f.Fix, f.Detail = fixTools(names[g], g.effect, paths[g]), g.kind+" "+g.effect
		out = append(out, f)
	}
	return out
}

func sayEffect(effect string) string {
	switch {
	case strings.HasPrefix(effect, asRoot):
		return "can be run " + effect
	case strings.HasPrefix(effect, "/"):
		return "can change " + show(effect)
	}
	return orElse(effect, "can be run to effect")
}

// asRoot begins the effect of a tool that runs as root; the rest says by what
// if it is not the image's user.
const asRoot = "as root"

// fixTools says what passes. To remove the programs that were found is not
// enough: a tool has several names.
func fixTools(names []string, effect string, paths []fact.Bytes) string {
	without := "leave " + strings.Join(names, ", ") + " out of the final stage"
	switch {
	case effect == asRoot:
		return without + ", or set a USER that is not root (see LAY005)"
	case strings.HasPrefix(effect, asRoot):
		g := fact.PathGroup{Paths: paths, Count: len(paths), Dir: commonDir(paths)}
		return run(g, without, "chmod u-s")
	}
	return without + ", or let root own what they write"
}
