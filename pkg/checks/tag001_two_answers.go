package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func tag001() check.Check {
	return check.Check{
		ID:    "TAG001",
		Title: "registry answers two ways for one tag",
		Doc: check.Doc{
			What: "Within one scan the registry gave different answers about one tag: the bytes of the manifest hash to another digest than its header said, or than a later HEAD " +
				"request was told, or the tag was gone at the end.",
			Why: "Either the tag moved while it was looked at, or the registry, a mirror or a cache in front of it answers differently depending on how it is asked. " +
				"What the next pull gets may then not be what was examined.",
			Fix: "Scan again. If it stays, ask the registry's operator about caches and mirrors; deploy by the digest that was examined, which cannot be answered two ways.",
			Limits: "A few answers to one client, seconds apart. A registry that gives this client one image and a node another is not seen: only a digest protects from that. " +
				"The digest that was examined is always that of the bytes received first.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeReference},
		Needs:   []fact.Kind{fact.KTag},
		Uses:    []fact.Kind{fact.KReference},
		Applies: notWritten,
		Run:     runTAG001,
	}
}

func runTAG001(s *fact.Set) check.Answer {
	if s.Tag.State != fact.Known {
		return notTold("the reference has no tag")
	}
	t := s.Tag.V
	deciding := slices.IndexFunc(t.Answers, func(a fact.TagAnswer) bool { return a.Method == "GET" && a.Digest != "" })
	if deciding < 0 {
		return undecided(fact.Dependency, "no manifest was received for the tag %s", t.Name)
	}
	first := t.Answers[deciding]
	var gone, others []string
	said := map[string][]string{} // by digest, who said so
	closed, compared := false, false
	for i, a := range t.Answers {
		if i == deciding {
			continue
		}
		closed = closed || a.Method != "GET header"
		switch {
		case a.Gone:
			gone = append(gone, sayMethod(a.Method))
		case !a.Digest.Comparable(first.Digest):
			// Nothing that could be compared was said.
		case a.Digest != first.Digest:
			d := string(a.Digest)
			if said[d] == nil {
				others = append(others, d)
			}
			said[d] = append(said[d], sayMethod(a.Method))
		default:
			compared = true
		}
	}
	var out []check.Finding
	for _, d := range others {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("the tag %s is %s by the bytes received, and %s by %s", t.Name, first.Digest, d, strings.Join(said[d], " and ")),
			Fix:     "scan again; deploy by the digest that was examined: " + string(first.Digest),
		})
	}
	if len(gone) > 0 {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("the tag %s was gone at %s", t.Name, strings.Join(gone, " and ")),
			Fix:     "scan again; deploy by the digest that was examined: " + string(first.Digest),
		})
	}
	switch {
	case len(out) > 0:
		return check.Answer{Findings: out}
	case !closed:
		return undecided(fact.Dependency, "the tag %s was not asked for again at the end", t.Name)
	case !compared:
		return undecided(fact.Unsupported, "the registry states no digest for the tag %s that could be compared", t.Name)
	}
	return check.Answer{}
}

func sayMethod(m string) string {
	if m == "GET header" {
		return "the header that came with them"
	}
	return "the closing " + strings.TrimPrefix(m, "closing ")
}
