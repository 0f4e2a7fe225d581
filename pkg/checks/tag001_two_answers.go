package checks

import (
	"fmt"
	"slices"

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
	var out []check.Finding
	closed, compared := false, 0
	for i, a := range t.Answers {
		if i == deciding {
			continue
		}
		closed = closed || a.Method == "HEAD" || a.Method == "GET"
		switch {
		case a.Gone:
			out = append(out, check.Finding{
				Message: fmt.Sprintf("the tag %s was gone when it was asked for again (%s)", t.Name, a.Method),
				Fix:     "scan again; deploy by digest: " + string(first.Digest),
			})
		case !a.Digest.Comparable(first.Digest):
			continue
		case a.Digest != first.Digest:
			out = append(out, check.Finding{
				Message: fmt.Sprintf("the tag %s is %s by its bytes and %s by %s", t.Name, first.Digest, a.Digest, sayMethod(a.Method)),
				Fix:     "scan again; deploy by the digest that was examined: " + string(first.Digest),
			})
		}
		compared++
	}
	switch {
	case len(out) > 0:
		return check.Answer{Findings: out}
	case !closed:
		return undecided(fact.Dependency, "the tag %s was not asked for again at the end", t.Name)
	case compared == 0:
		return undecided(fact.Unsupported, "the registry states no digest for the tag %s that could be compared", t.Name)
	}
	return check.Answer{}
}

func sayMethod(m string) string {
	if m == "GET header" {
		return "the header that came with them"
	}
	return "a later " + m
}
