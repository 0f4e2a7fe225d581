package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run001() check.Check {
	return check.Check{
		ID:    "RUN001",
		Title: "running image is not the one its own spec declares",
		Doc: check.Doc{
			What: "A container's own specification, or the template that its pod was made from, names a digest, and what runs proved to be another image. " +
				"Or the pod names another image than its template: it was edited in place, or a webhook put another image there. " +
				"Another name for the same bytes is none: an index and its child for the node's platform, the image's config, a mirror.",
			Why: "Reviews, scans and signatures speak of the declared digest. What runs instead was judged by nobody, and the declaration in Git looks right all the time.",
			Fix: "Make the pod anew. If the other image comes back, find who sets it: a webhook that rewrites images, a controller, or somebody who loads images into the node's store under the declared name.",
			Limits: "A tag names no bytes, so a container that declares one is not applicable: see RUN002 and RUN008. The runtime's word is taken for what runs; nobody hashes the unpacked layers on the node. " +
				"Where a template cannot be seen, an edit in place cannot be told; that is a note. Of a mirror pod the file on its node is the source, and that is not read. " +
				"A webhook that only adds the digest, replaces an injector's placeholder, or names a mirror is a note.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer},
		Uses:   []fact.Kind{fact.KRunning, fact.KReference},
		Run:    runRUN001,
	}
}

func runRUN001(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known {
		return notTold(nothingRuns)
	}
	c, r := s.Container.V, s.Running.V
	edited := c.Rewrite == fact.RewriteOther
	if s.Running.State == fact.Absent && (!edited || c.Phase == fact.PhaseFinished) {
		return notTold(nothingRuns)
	}
	var out []check.Finding
	var d doubts
	if s.Running.State == fact.Unknown {
		d.missing(s.Running.Status(), "what runs is not known")
	}
	is := func(c *fact.Comparison, a fact.Answer) bool {
		return s.Running.State == fact.Known && c != nil && c.Answer == a
	}
	// Another name with proof of the same bytes is no other image.
	if edited && !is(r.Template, fact.AnswerSame) {
		out = append(out, check.Finding{
			Message: fmt.Sprintf("the pod's image is %q, but the template of its %s says %q: the pod was edited in place, or a webhook put another image there",
				c.Image, orElse(c.Owner, "owner"), c.Template),
			Fix:    remake(c) + "; if the other image comes back, a webhook sets it: declare it in the template, or exempt the pod from the webhook",
			Origin: whereOf(s),
		})
	}
	switch {
	case is(r.Declared, fact.AnswerDifferent):
		out = append(out, otherRuns(s, c.Image, *r.Declared))
	case is(r.Template, fact.AnswerDifferent) && !edited:
		out = append(out, otherRuns(s, c.Template, *r.Template))
	}
	if s.Running.State == fact.Known {
		for _, cmp := range []*fact.Comparison{r.Declared, r.Template} {
			if is(cmp, fact.AnswerUnknown) {
				d.add(fact.Dependency, orElse(cmp.Why, "what runs could not be compared with what is declared"))
			}
		}
		if r.Declared == nil && r.Template == nil && len(out) == 0 {
			return notTold("declares a tag, which names no bytes: see RUN002, RUN008")
		}
	}
	return d.answer(append(out, rewriteNotes(c, edited && len(out) == 0)...))
}

func otherRuns(s *fact.Set, declared string, cmp fact.Comparison) check.Finding {
	f := check.Finding{
		Message: fmt.Sprintf("%q is declared, but %s runs", declared, whatRuns(s.Running.V)),
		Fix:     remake(s.Container.V) + "; if the other image comes back, look for who loads images into the node's store",
		Origin:  whereOf(s),
	}
	if cmp.Proof != "" {
		f.Message += ": " + cmp.Proof
	}
	return f
}

// rewriteNotes say what is worth knowing of a pod that names its image otherwise
// than its template does. same says that another image proved to be the same.
func rewriteNotes(c fact.Container, same bool) []check.Finding {
	text := ""
	switch {
	case same:
		text = fmt.Sprintf("the template says %q and the pod %q, which proved to be the same image", c.Template, c.Image)
	case c.Rewrite == fact.RewritePlaceholder:
		text = fmt.Sprintf("the template's image %q is a placeholder, which an injector replaced", c.Template)
	case c.Rewrite == fact.RewriteDigest:
		text = fmt.Sprintf("the digest was added on the way into the cluster; the template says %q", c.Template)
	case c.Rewrite == fact.RewriteMirror:
		text = fmt.Sprintf("the template's %q was rewritten to a mirror", c.Template)
	case c.Template == "" && c.Owner != "" && c.NoTemplate != "" && !c.Injected:
		text = fmt.Sprintf("whether the pod is as its %s made it was not seen: %s", c.Owner, c.NoTemplate)
	default:
		return nil
	}
	return []check.Finding{{Note: true, Message: text}}
}
