package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func reg001() check.Check {
	return check.Check{
		ID:    "REG001",
		Title: "registry is declared with mutable tags",
		Doc: check.Doc{
			What: "A file declares a repository or project of a registry whose tags can be overwritten, all of them or some. " +
				"Exclusions that leave only signatures' tags (`sha256-*`), or single tags that are meant to move (`latest`), mutable are fine.",
			Why: "Where tags cannot be overwritten, a release cannot be replaced by whoever gets hold of a push token: no check afterwards is as good as that.",
			Fix: "Make tags immutable. cosign appends signatures to tags `sha256-….sig`, so exclude `sha256-*`, or store signatures as OCI referrers, which need no tags.",
			Limits: "It reads what the file declares, not what the registry has in force. Registries that know no immutability are not declared with it: there a check before each push (TAG006) takes its place. " +
				"Immutable tags can still be deleted and pushed again in some registries.",
			Since: since,
		},
		Scopes:  []check.Scope{check.ScopeObject},
		Needs:   []fact.Kind{fact.KObject},
		Applies: notObject(fact.ObjectRegistry),
		Run:     runREG001,
	}
}

// notObject says why a check that is about one kind of objects does not apply to
// others.
func notObject(k fact.ObjectKind) func(*fact.Set) string {
	return func(s *fact.Set) string {
		if o := s.Object; o.State == fact.Known && o.V.Kind != k {
			return "kind " + string(o.V.Kind)
		}
		return ""
	}
}

func runREG001(s *fact.Set) check.Answer {
	if s.Object.State != fact.Known {
		return notTold("there is no object")
	}
	o := s.Object.V
	name := objectName(o)
	switch o.TagsMutable {
	case fact.TagsImmutable:
		return check.Answer{}
	case fact.TagsPartly:
		return partlyMutable(o, name)
	case fact.TagsMutable:
		f := check.Finding{Message: name + ": pushed tags can be overwritten", Fix: immutableFix(o)}
		if len(o.Exclusions) > 0 {
			f.Message += ", but for " + showAll(o.Exclusions)
		}
		return check.Answer{Findings: []check.Finding{f}}
	default:
		return undecided(fact.Unsupported, "%s: %s", name, orElse(o.Unresolved, "whether its tags can be overwritten is not told"))
	}
}

// partlyMutable judges a registry by the tags that it leaves mutable.
func partlyMutable(o fact.Object, name string) check.Answer {
	if len(o.Exclusions) == 0 {
		return undecided(fact.Unsupported, "%s: %s", name, orElse(o.Unresolved, "which of its tags can be overwritten is not told"))
	}
	var open, fine []string
	for _, p := range o.Exclusions {
		if signatureTags(p) || movingTag(p) {
			fine = append(fine, p)
		} else {
			open = append(open, p)
		}
	}
	if len(open) == 0 {
		return check.Answer{Findings: []check.Finding{{Note: true, Message: name + ": tags are immutable but for " + showAll(fine)}}}
	}
	return check.Answer{Findings: []check.Finding{{
		Message: name + ": tags that match " + showAll(open) + " can be overwritten, and releases may be among them",
		Fix:     "exclude only what signatures need (sha256-*) and single tags that are meant to move",
	}}}
}

// signatureTags reports whether a pattern, a wildcard or an expression, matches
// only tags that cosign and OCI referrers make of a digest.
func signatureTags(pattern string) bool {
	p := strings.TrimPrefix(strings.TrimPrefix(pattern, "^"), `\A`)
	return strings.HasPrefix(p, "sha256-") && !strings.Contains(p, "|")
}

// movingTag reports whether a pattern is one tag that is meant to move.
func movingTag(pattern string) bool {
	return pattern != "" && !strings.ContainsAny(pattern, `*?[]{}()|^$+\,`) && ref.ClassOf(pattern) == ref.Floating
}

func objectName(o fact.Object) string {
	return strings.TrimSpace(show(o.Type) + " " + fmt.Sprintf("%q", o.Name))
}

func showAll(texts []string) string {
	var out []string
	for _, t := range texts {
		out = append(out, fmt.Sprintf("%q", t))
	}
	return strings.Join(out, ", ")
}

// immutableFix is how the kinds of registries that are known say it.
func immutableFix(o fact.Object) string {
	switch {
	case strings.HasPrefix(o.Type, "aws_ecr_"), strings.HasPrefix(o.Type, "AWS::ECR::"), strings.HasPrefix(o.Type, "aws:ecr"):
		return "set the tag mutability to IMMUTABLE_WITH_EXCLUSION with the filter sha256-* for signatures, or to IMMUTABLE"
	case strings.HasPrefix(o.Type, "google_artifact_registry_"), strings.HasPrefix(o.Type, "gcp:artifactregistry"):
		return "set immutable_tags = true in docker_config, and store signatures as OCI referrers"
	case strings.HasPrefix(o.Type, "harbor_"):
		return "add an immutable tag rule for all tags but sha256-*"
	}
	return "make tags immutable, but for sha256-* where signatures are stored as tags"
}
