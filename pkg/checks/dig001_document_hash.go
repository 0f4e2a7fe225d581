package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig001() check.Check {
	return check.Check{
		ID:    "DIG001",
		Title: "bytes do not hash to the digest they were asked for by",
		Doc: check.Doc{
			What: "A manifest, index or config was asked for by digest and the bytes that came hash to another one.",
			Why: "Somebody between the author and you replaced content: a compromised or faulty registry, mirror, cache or proxy. A runtime refuses such bytes; " +
				"a tool that trusts the `Docker-Content-Digest` header does not notice.",
			Fix: "Do not deploy. Pull from the upstream registry instead of a mirror and compare; tell the operator. If the storage is at fault, push the image again from its build.",
			Limits: "It proves that bytes and digest belong together, not that the digest is the one that its author published: that is what signatures are for. " +
				"A header that disagrees is a note, since no decision rests on it.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeImage, check.ScopePlatform},
		Needs:  []fact.Kind{fact.KDocuments},
		Run:    runDIG001,
	}
}

func runDIG001(s *fact.Set) check.Answer {
	if s.Documents.State == fact.Absent {
		return notTold("there are no documents")
	}
	var a check.Answer
	for _, d := range known(s.Documents) {
		switch want := d.Wanted.Digest; {
		case d.Digest == "":
			a = withFindings(undecided(fact.Internal, "%s was not hashed", nameDocument(d)), a.Findings)
			continue
		case want == "":
			// The answer to a tag: its header is compared by TAG001.
			continue
		case !want.Comparable(d.Digest):
			a = withFindings(undecided(fact.Unsupported, "%s was hashed as %s", nameDocument(d), d.Digest.Algorithm()), a.Findings)
		case want != d.Digest:
			a.Findings = append(a.Findings, check.Finding{
				Message: fmt.Sprintf("%s: the %s received hash to %s", nameDocument(d), plural(int(d.Size), "byte"), d.Digest),
				Fix:     "do not deploy it; fetch it from the upstream registry, or push it again from its build",
				Consequences: []string{
					"nothing that these bytes say about the image can be relied on",
				},
			})
		}
		if d.HeaderClaim.Comparable(d.Digest) && d.HeaderClaim != d.Digest {
			a.Findings = append(a.Findings, check.Finding{
				Message: fmt.Sprintf("%s: the registry's header calls the bytes %s", nameDocument(d), d.HeaderClaim),
				Note:    true,
			})
		}
	}
	return a
}
