package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func ref005() check.Check {
	return check.Check{
		ID:    "REF005",
		Title: "part of the image is gone from where it is pulled",
		Doc: check.Doc{
			What: "The pinned digest, a manifest that the index lists, or the config or a layer of a selected platform is not there any more. This is always asked anew, never taken from a cache.",
			Why: "Nodes that hold the image go on running it, so nothing seems wrong until the first new node, restart or rollback, which then cannot pull. " +
				"Clean-up rules that delete untagged manifests do this to pinned images, and to the platforms of an index.",
			Fix: "Push the same image again, or pin one that is there. Keep a tag on what is pinned, or exempt it from the registry's clean-up rules.",
			Limits: "Only what was looked at: the layers of platforms that were not selected are not asked for. It says what is there now, not for how long. " +
				"A foreign layer (DIG007) that the registry does not hold is undecided: its URLs are never fetched.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeReference},
		Needs:  []fact.Kind{fact.KReference, fact.KAvailability},
		Uses:   []fact.Kind{fact.KResolution},
		Run:    runREF005,
	}
}

func runREF005(s *fact.Set) check.Answer {
	if s.Reference.State != fact.Known {
		return notTold("there is no reference")
	}
	r := s.Reference.V
	// The root itself: a tag that does not exist leaves nothing to judge, but a
	// digest that does not exist is what this check is about.
	if v := s.Resolution; v.State == fact.Unknown {
		if r.Ref.Digest != "" && v.Cause == fact.NotFound {
			return check.Answer{Findings: []check.Finding{{
				Message: fmt.Sprintf("%q is gone: no manifest with this digest is there to be pulled", r.Text),
				Fix:     "push the image with this digest again, or write a digest that is there",
				Origin:  originOf(r),
			}}}
		}
		if v.Cause == fact.NotAsked {
			return check.Answer{NotAsked: v.Why}
		}
		return undecided(v.Cause, "%s", orElse(v.Why, "the reference was not resolved"))
	}
	if s.Availability.State == fact.Absent {
		return notTold("the source holds the image whole")
	}
	return check.Answer{Findings: goneFindings(r, s.Availability)}
}

// goneFindings groups what is missing by platform and role.
func goneFindings(r fact.Reference, blobs fact.List[fact.Blob]) []check.Finding {
	type group struct {
		role     string
		platform ref.Platform
		foreign  bool
	}
	var order []group
	missing := map[group][]string{}
	for _, p := range blobs.Parts {
		if blobs.State != fact.Known || p.State != fact.Known || p.V.Present {
			continue
		}
		g := group{p.V.Role, p.V.Platform, len(p.V.Descriptor.URLs) > 0}
		if missing[g] == nil {
			order = append(order, g)
		}
		missing[g] = append(missing[g], string(p.V.Descriptor.Digest))
	}
	var out []check.Finding
	for _, g := range order {
		of := ""
		if p := g.platform.String(); p != "" {
			of = " of " + p
		}
		digests := strings.Join(missing[g], ", ")
		f := check.Finding{
			Message: fmt.Sprintf("the %s%s is gone and cannot be pulled: %s", g.role, of, digests),
			Fix:     "push the image again with all its parts, or pin one that is whole",
			Origin:  originOf(r),
			Consequences: []string{
				"a node that does not hold the image yet cannot start it",
			},
		}
		if n := len(missing[g]); n > 1 {
			f.Message = fmt.Sprintf("%s%s are gone and cannot be pulled: %s", plural(n, g.role), of, digests)
		}
		if g.foreign {
			f.Message, f.Fix, f.Consequences = fmt.Sprintf("foreign %s%s, not in the registry: %s", g.role, of, digests), "", nil
			f.Note = true
		}
		out = append(out, f)
	}
	return out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
