package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func run009() check.Check {
	return check.Check{
		ID:    "RUN009",
		Title: "a rollback would not restore the bits",
		Doc: check.Doc{
			What: "An image of a former revision (a ReplicaSet, a ControllerRevision, a Helm release) is named without a digest, is no longer there in all its parts, or would be refused by today's policy. " +
				"By default the last revision is looked at.",
			Why: "`kubectl rollout undo` restores the text of a template, not what ran under it. The day it is needed, a tag brings other bytes, or the image was cleaned up and nothing starts, or admission refuses it.",
			Fix: "Pin images by digest, so that revisions to come can be restored. To undo the last change truly, roll out its template with the digest that ran then; it is named where known. Exempt the digests of former revisions from the registry's clean-up.",
			Limits: "Image references and what they need from the registry; configuration, volumes and databases of that time are not looked at. Which digest ran under a tag is known only if a container of that revision was still there to be asked. " +
				"Registries are asked at their own addresses: what nodes or mirrors still hold does not count.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeGroup},
		Needs:  []fact.Kind{fact.KRevisions},
		Run:    runRUN009,
	}
}

func runRUN009(s *fact.Set) check.Answer {
	if r := s.Revisions; r.State == fact.Absent || r.State == fact.Known && len(r.Parts) == 0 {
		return notTold("there is no former revision")
	}
	var out []check.Finding
	var d doubts
	for _, r := range known(s.Revisions) {
		for _, img := range r.Images {
			if f, bad := rollback(r, img, &d); bad {
				out = append(out, f)
			}
		}
	}
	return d.answer(out)
}

// rollback judges one image of a revision.
func rollback(r fact.Revision, img fact.RevisionImage, d *doubts) (check.Finding, bool) {
	var reasons, fixes []string
	name := fmt.Sprintf("%s [%s] %q", showWords(r.Name), show(img.Container), img.Image)
	switch {
	case img.Ref == (ref.Ref{}):
		d.add(fact.Unsupported, name+" is no reference")
	case img.Ref.Digest == "":
		reasons = append(reasons, "it is not pinned: a rollback brings what the tag names then")
		fixes = append(fixes, unpinnedFix(img))
	}
	gone := missingBlobs(img.Blobs, name, d)
	if len(gone) > 0 {
		reasons = append(reasons, gone...)
		fixes = append(fixes, "push the image again with all its parts, or roll forward")
	}
	switch j := img.Judged; {
	case j.State == fact.Unknown:
		d.missing(j.Status(), name+" was not judged")
	case j.State == fact.Absent:
	case j.V.Decision == "deny":
		why := "today's policy refuses it"
		if len(j.V.Reasons) > 0 {
			why += ": " + strings.Join(j.V.Reasons, ", ")
		}
		reasons = append(reasons, why)
		fixes = append(fixes, "mend what the policy refuses, such as a missing signature, or roll forward")
	case j.V.Decision != "allow" && j.V.Decision != "warn":
		d.add(fact.Dependency, name+" could not be judged by today's policy")
	}
	if len(reasons) == 0 {
		return check.Finding{}, false
	}
	f := check.Finding{Message: name + ": " + reasons[0], Fix: strings.Join(fixes, "; ")}
	if len(reasons) > 1 {
		f.Message, f.Lines = name+" would not come back as it was", reasons
	}
	return f, true
}

func unpinnedFix(img fact.RevisionImage) string {
	if img.Ran == "" {
		return fmt.Sprintf("pin images by digest from now on: %s", pinTo(img.Ref, ""))
	}
	return fmt.Sprintf("to undo truly, roll out %s, which is what ran", pinTo(img.Ref, img.Ran))
}

// missingBlobs says what of an image is gone. What lies elsewhere by design is
// not.
func missingBlobs(blobs fact.List[fact.Blob], name string, d *doubts) []string {
	roles := map[string][]string{}
	var order []string
	if blobs.State == fact.Unknown {
		d.missing(fact.Status{Cause: blobs.Cause, Why: blobs.Why}, "whether "+name+" is still there was not asked")
		return nil
	}
	if blobs.State == fact.Known && len(blobs.Parts) == 0 {
		d.add(fact.NotGathered, "nothing of "+name+" was looked for")
	}
	for _, p := range blobs.Parts {
		switch {
		case p.State == fact.Unknown:
			d.missing(p.Status(), "whether a part of "+name+" is still there is not known")
		case p.State == fact.Absent || p.V.Present || len(p.V.Descriptor.URLs) > 0:
		default:
			if !slices.Contains(order, p.V.Role) {
				order = append(order, p.V.Role)
			}
			roles[p.V.Role] = append(roles[p.V.Role], string(p.V.Descriptor.Digest))
		}
	}
	var out []string
	for _, role := range order {
		if n := len(roles[role]); n > 1 {
			out = append(out, fmt.Sprintf("%s are gone from its registry: %s", plural(n, role), strings.Join(roles[role], ", ")))
			continue
		}
		out = append(out, fmt.Sprintf("the %s is gone from its registry: %s", role, roles[role][0]))
	}
	return out
}
