package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig002() check.Check {
	return check.Check{
		ID:    "DIG002",
		Title: "size or media type disagrees with what came",
		Doc: check.Doc{
			What: "A descriptor says one size, media type or platform, and the bytes, the document's own `mediaType`, the config or the registry's `Content-Type` say another.",
			Why: "The digest does not cover the descriptor's other fields. Two clients that go by different ones read the same bytes differently: as an index or a manifest, as one " +
				"compression or another, up to the stated size or to the end.",
			Fix:    "Build and push the image again with a current tool. If it was copied between registries, copy it again from the source; the copy changed its descriptors.",
			Limits: "A descriptor without a media type, as for a digest that was written by hand, leaves only the document's own field and the header to compare.",
			Since:  since,
		},
		Scopes: []check.Scope{check.ScopeImage, check.ScopePlatform},
		Needs:  []fact.Kind{fact.KDocuments, fact.KLayers},
		Run:    runDIG002,
	}
}

const fixDescriptor = "build or copy the image again, so that its descriptors say what it holds"

func runDIG002(s *fact.Set) check.Answer {
	// Of bytes that are wrong only the size was looked at.
	a := withFindings(unreadDocuments(s), problems(s, fixDescriptor, fact.ProblemSize, fact.ProblemMediaType))
	for _, d := range known(s.Documents) {
		// Without a media type there was no descriptor: a digest that was written
		// by hand, or a tag.
		want := d.Wanted
		if want.MediaType == "" {
			continue
		}
		// A document's problems of size are those of the descriptors in it.
		if want.Size != d.Size {
			a.Findings = append(a.Findings, check.Finding{
				Message: fmt.Sprintf("%s: the descriptor says %s, %s came", nameDocument(d), plural(int(want.Size), "byte"), thousands(int(d.Size))),
				Fix:     fixDescriptor,
			})
		}
		if d.MediaType != "" && d.MediaType != want.MediaType && !hasProblem(d.Problems, fact.ProblemMediaType) {
			a.Findings = append(a.Findings, check.Finding{
				Message: fmt.Sprintf("%s: the descriptor says %q, the document %q", nameDocument(d), want.MediaType, d.MediaType),
				Fix:     fixDescriptor,
			})
		}
	}
	for _, l := range known(s.Layers) {
		switch {
		case l.Digest == "":
			a = withFindings(undecided(fact.Dependency, "%s was not read", nameLayer(l)), a.Findings)
		case l.Size != l.Descriptor.Size && !hasProblem(l.Problems, fact.ProblemSize):
			f := aboutLayer(l)
			f.Message = fmt.Sprintf("the manifest says %s, %s came%s",
				plural(int(l.Descriptor.Size), "byte"), thousands(int(l.Size)), inLayer(f.Layer, l.CreatedBy))
			f.Fix = fixDescriptor
			a.Findings = append(a.Findings, f)
		}
	}
	return a
}

func hasProblem(all []fact.Problem, k fact.ProblemKind) bool {
	for _, p := range all {
		if p.Kind == k {
			return true
		}
	}
	return false
}
