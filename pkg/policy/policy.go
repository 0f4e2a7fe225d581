// Package policy says what is right: which failing check denies, who must have
// signed what, which findings are accepted until when. It reads policies
// (intact.policy/v1) strictly and decides. It is pure: it opens nothing itself,
// and what the time is is an argument.
package policy

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy/expr"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Policy is a policy file with all that it extends. It is not changed once
// loaded and may be used concurrently. The zero value refuses everything.
type Policy struct {
	name           string
	digest         ref.Digest
	chain          []string
	since          string
	depth          Depth
	undecidedWarns bool
	signerAsked    bool // by [Policy.WithSignatures]: what is undecided of SIG never warns
	layers         []layer
	known          map[string]check.Check
	exceptions     []*Exception
	mirrors        []mirror
	tags           []tagRule
	allowInline    []string
	rules          []*expr.Program
	signatures     []signatureRule
	keys           map[string]Key
	roots          map[string]Root
	defaultRoots   []string // nil = none was named
	sctOptional    bool
	sources        []*source
}

// Name returns the policy's name, with the version of an embedded one.
func (p *Policy) Name() string { return p.name }

// Digest returns the digest of the policy's canonical form, parents, keys and
// roots included.
func (p *Policy) Digest() ref.Digest { return p.digest }

// Chain returns the names of the policies that it is made of, the topmost
// parent first and its own last.
func (p *Policy) Chain() []string { return slices.Clone(p.chain) }

// Depth returns how far images must be examined.
func (p *Policy) Depth() Depth { return p.depth }

// Exceptions returns all exceptions, parents' first.
func (p *Policy) Exceptions() []*Exception { return slices.Clone(p.exceptions) }

// Checks returns the policy's own rules as checks that are judged at now.
func (p *Policy) Checks(now time.Time) []check.Check {
	var out []check.Check
	for _, r := range p.rules {
		out = append(out, r.Check(now))
	}
	return out
}

// AllowsInline reports whether a comment in a file may silence check id.
func (p *Policy) AllowsInline(id string) bool { return slices.Contains(p.allowInline, id) }

// A mirror is a prefix under which copies of another one are.
type mirror struct{ prefix, of string }

// UpstreamOf returns the canonical repository of which image is a mirror's copy,
// or image itself, its registry by its one name (ghcr.io for GHCR.io:443). All patterns of a policy match that name. The longest prefix
// wins; a copy of docker.io/nginx is one of docker.io/library/nginx.
func (p *Policy) UpstreamOf(image string) string {
	if host, rest, ok := strings.Cut(image, "/"); ok && canonicalHost(host) != host {
		image = canonicalHost(host) + "/" + rest
	}
	best := -1
	for i, m := range p.mirrors {
		if strings.HasPrefix(image, m.prefix+"/") && (best < 0 || len(m.prefix) > len(p.mirrors[best].prefix)) {
			best = i
		}
	}
	if best < 0 {
		return image
	}
	m := p.mirrors[best]
	upstream := m.of + strings.TrimPrefix(image, m.prefix)
	if name, err := canonicalName(upstream); err == nil {
		return name
	}
	return upstream
}

type tagRule struct {
	pattern         pattern
	fixed, floating *regexp.Regexp
}

// TagClass returns the class of r's tag: as the policy says for its repository,
// the longest pattern first, else by grammar. "" if r has no tag.
func (p *Policy) TagClass(r ref.Ref) ref.Class {
	if r.Tag == "" {
		return ""
	}
	image := p.UpstreamOf(r.Canonical())
	for _, t := range p.tags {
		if _, ok := t.pattern.match(image); !ok {
			continue
		}
		switch {
		case t.fixed != nil && t.fixed.MatchString(r.Tag):
			return ref.Fixed
		case t.floating != nil && t.floating.MatchString(r.Tag):
			return ref.Floating
		}
	}
	return ref.ClassOf(r.Tag)
}

// compileTags compiles the tag rules of one file.
func compileTags(doc *strictyaml.Document, docs []tagDoc) ([]tagRule, strictyaml.Errors) {
	var out []tagRule
	var errs strictyaml.Errors
	for i, d := range docs {
		at := []any{"tags", i}
		var rule tagRule
		for key, text := range map[string]string{"fixed": d.Fixed, "floating": d.Floating} {
			if text == "" {
				continue
			}
			re, err := regexp.Compile(`^(?:` + text + `)$`)
			if err != nil {
				errs = append(errs, doc.Errorf(with(at, key), "%q is no regular expression: %v", text, err))
				continue
			}
			if key == "fixed" {
				rule.fixed = re
			} else {
				rule.floating = re
			}
		}
		if d.Fixed == "" && d.Floating == "" {
			errs = append(errs, doc.Errorf(at, "neither fixed nor floating; expected at least one"))
		}
		patterns, more := compilePatterns(doc, with(at, "images"), d.Images)
		errs = append(errs, more...)
		for _, rule.pattern = range patterns {
			out = append(out, rule)
		}
	}
	return out, errs
}

func sortStrings(s []string) { slices.Sort(s) }

func names(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
