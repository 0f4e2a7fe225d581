package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func run003() check.Check {
	return check.Check{
		ID:    "RUN003",
		Title: "replicas of one template run different images",
		Doc: check.Doc{
			What: "Pods that were made from one template run images that proved to be different. The versions are listed with how many run each, since when, by whom it is signed and on which nodes.",
			Why:  "Requests are answered by one build or another, by chance. A fault, a fix or a backdoor is then in some replicas and not in others, and whoever looks at one of them learns nothing about the rest.",
			Fix:  "Write the digest that is meant into the template. That makes a new template, so that all pods are replaced.",
			Limits: "Pods of two templates may run two images; while both are there it says so in a note. Two digests that could not be compared (an index that no registry has any more) leave it undecided. " +
				"The nodes' platforms count: children of one index for two platforms are one image. What a version is signed by is told only where signatures were looked for.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeGroup},
		Needs:  []fact.Kind{fact.KGroup},
		Run:    runRUN003,
	}
}

func runRUN003(s *fact.Set) check.Answer {
	if s.Group.State != fact.Known || len(s.Group.V.Versions) == 0 {
		return notTold(nothingRuns)
	}
	g := s.Group.V
	var d doubts
	different, total := false, 0
	for i, v := range g.Versions {
		total += v.Count
		switch {
		case i == 0:
		case v.Apart.Answer == fact.AnswerDifferent:
			different = true
		case v.Apart.Answer == fact.AnswerUnknown:
			d.add(fact.Dependency, orElse(v.Apart.Why, fmt.Sprintf("%s could not be compared with %s", versionName(v), versionName(g.Versions[0]))))
		}
	}
	var out []check.Finding
	if different {
		out = append(out, skew(g, total))
	}
	if g.Rollout {
		out = append(out, check.Finding{Note: true, Message: "pods of another template of the workload are there too: a rollout is in progress, or stands still"})
	}
	return d.answer(out)
}

func skew(g fact.Group, total int) check.Finding {
	f := check.Finding{
		Message: fmt.Sprintf("%s of one template, declared as %q, run different images", plural(total, "container"), g.Image),
		Fix:     skewFix(g),
	}
	for i, v := range g.Versions {
		line := versionLine(v)
		if i > 0 && v.Apart.Answer == fact.AnswerUnknown {
			line += ", which may be the first"
		}
		f.Lines = append(f.Lines, line)
	}
	return f
}

// skewFix pins what most of them run, if it can be pulled by its digest.
func skewFix(g fact.Group) string {
	r, err := ref.Parse(g.Image)
	most := g.Versions[0]
	switch {
	case err != nil:
		return "name the image by its digest in the template, so that all pods are replaced"
	case r.Digest != "":
		return "delete the pods that do not run the declared digest, so that new ones are made"
	case most.Kind == fact.DigestIndex || most.Kind == fact.DigestManifest:
		return fmt.Sprintf("write %s in the template to have all run what most run, or the digest of another version", pinTo(r, most.Digest))
	}
	return fmt.Sprintf("write %s in the template with the digest of the version that is meant", pinTo(r, ""))
}

func versionName(v fact.Version) string {
	if v.Digest != "" {
		return string(v.Digest)
	}
	return fmt.Sprintf("%q", v.Reported)
}

// versionLine is "11 × sha256:aaa…, since 2026-11-02, signed by …, node n3".
func versionLine(v fact.Version) string {
	parts := []string{fmt.Sprintf("%s × %s", thousands(v.Count), versionName(v))}
	if p := v.Platform.String(); p != "" {
		parts = append(parts, p)
	}
	if !v.Since.IsZero() {
		parts = append(parts, "since "+v.Since.UTC().Format(time.DateOnly))
	}
	if v.Signed != "" {
		parts = append(parts, v.Signed)
	}
	switch n := len(v.Nodes); {
	case n == 1:
		parts = append(parts, "node "+show(v.Nodes[0]))
	case n > 1:
		var names []string
		for _, name := range v.Nodes[:min(n, listed)] {
			names = append(names, show(name))
		}
		text := "nodes " + strings.Join(names, ", ")
		if n > listed {
			text += " …"
		}
		parts = append(parts, text)
	}
	if v.Example != "" {
		parts = append(parts, "such as "+show(v.Example))
	}
	return strings.Join(parts, ", ")
}
