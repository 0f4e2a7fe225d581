package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig008() check.Check {
	return check.Check{
		ID:    "DIG008",
		Title: "form that cannot be verified",
		Doc: check.Doc{
			What: "Content came in full but in a form about which nothing can be proved: a schema 1 manifest, a digest of an unknown algorithm, or a layer whose hash is right but that does not " +
				"expand or is no archive.",
			Why:    "Runtimes differ in what they make of such content: one refuses it, another repairs it silently. What was examined is then not what runs.",
			Fix:    "Build the image again with a current builder, which writes OCI or Docker schema 2 manifests, sha256 digests, and layers in gzip or zstd.",
			Limits: "It names forms that `intact` cannot verify; a newer form may be sound and merely not known yet. Encrypted layers are undecided, since their hash was checked and their content could not be.",
			Since:  since,
		},
		Scopes: []check.Scope{check.ScopeImage, check.ScopePlatform},
		Needs:  []fact.Kind{fact.KDocuments, fact.KLayers},
		Uses:   []fact.Kind{fact.KImage},
		Run: func(s *fact.Set) check.Answer {
			return withFindings(unread(s), problems(s,
				"build the image again with a current builder", fact.ProblemUnverifiable))
		},
	}
}
