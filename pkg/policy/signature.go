package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/policy/expr"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// signatureRule is one pattern of one entry of signatures.
type signatureRule struct {
	pattern pattern
	rule    *signing.Rule // its keys and roots by the names that Trust gives them
	pos     strictyaml.Pos
}

// signatures compiles the signature rules and trust of one file.
func (c *compiler) signatures(src *source) {
	if src.Trust != nil {
		if src.Trust.Roots != nil {
			c.p.defaultRoots = c.rootNames(src, []any{"trust", "roots"}, src.Trust.Roots)
		}
		if src.Trust.SCT != "" {
			c.p.sctOptional = src.Trust.SCT == string(signing.NotRequired)
		}
	}
	first := map[string]int{}
	var mine []signatureRule
	for i, d := range src.Signatures {
		path := []any{"signatures", i}
		patterns, errs := compilePatterns(src.doc, with(path, "images"), d.Images)
		c.add(errs)
		rule := c.signatureEntry(src, path, d, patterns)
		if rule.Name == "" {
			rule.Name = origin(src.Name, "signatures", i)
		}
		for j, p := range patterns {
			if k, ok := first[p.shape()]; ok {
				c.errorf(src, with(path, "images", j), "the pattern %q is there twice, first in signatures[%d]", p.text, k)
			}
			first[p.shape()] = i
			mine = append(mine, signatureRule{p, rule, src.doc.Pos(with(path, "images", j)...)})
		}
	}
	// A child's come before its parents' of the same shape.
	c.p.signatures = append(mine, c.p.signatures...)
	slices.SortStableFunc(c.p.signatures, func(a, b signatureRule) int { return b.pattern.compare(a.pattern) })
}

// signatureEntry checks one entry and returns it with the names of its keys and
// roots resolved.
func (c *compiler) signatureEntry(src *source, path []any, d signing.Rule, patterns []pattern) *signing.Rule {
	rule := d
	if d.None {
		if d.AnyOf != nil || d.Attestations != nil || d.Level != "" {
			c.errorf(src, path, "none: true and a requirement; expected one of them")
		}
		return &rule
	}
	if d.AnyOf == nil && d.Attestations == nil {
		c.errorf(src, path, "the rule requires nothing; add anyOf or attestations, or say none: true")
	}
	rule.AnyOf = c.authorities(src, with(path, "anyOf"), d.AnyOf, patterns)
	rule.Attestations = slices.Clone(d.Attestations)
	for i, a := range d.Attestations {
		at := with(path, "attestations", i)
		if a.AnyOf == nil && d.AnyOf == nil {
			c.errorf(src, at, "nobody is named who may have made the attestation; add anyOf to it or to the rule")
		}
		if slices.ContainsFunc(d.Attestations[:i], func(b signing.AttestationRule) bool {
			return a.PredicateType == b.PredicateType && a.Where == b.Where && a.AnyOf == nil && b.AnyOf == nil
		}) {
			c.errorf(src, at, "the attestation %q is required twice", a.PredicateType)
		}
		if a.Where != "" {
			if _, err := expr.CompileAttestationWhere(a.Where); err != nil {
				c.errorf(src, with(at, "where"), "%v", err)
			}
		}
		rule.Attestations[i].AnyOf = c.authorities(src, with(at, "anyOf"), a.AnyOf, patterns)
	}
	return &rule
}

func (c *compiler) authorities(src *source, path []any, list []signing.Authority, patterns []pattern) []signing.Authority {
	names := map[string]bool{}
	out := slices.Clone(list)
	for i, a := range list {
		at := with(path, i)
		if a.Name != "" && names[a.Name] {
			c.errorf(src, with(at, "name"), "the name %q is there twice", a.Name)
		}
		names[a.Name] = true
		switch {
		case a.Keyless == nil && a.Key == "":
			c.errorf(src, at, "neither keyless nor key; expected one of them")
		case a.Keyless != nil && a.Key != "":
			c.errorf(src, at, "keyless and key; expected one of them")
		case a.Keyless != nil:
			c.keyless(src, with(at, "keyless"), a.Keyless, patterns)
		default:
			key, err := c.key(src, a.Key)
			if err != nil {
				c.errorf(src, with(at, "key"), "%v", err)
			}
			out[i].Key = key.Name
			if a.SCT != "" {
				c.errorf(src, with(at, "sct"), "a key has no certificate; leave sct out")
			}
		}
		if a.Roots != nil {
			out[i].Roots = c.rootNames(src, with(at, "roots"), a.Roots)
		}
	}
	return out
}

func (c *compiler) keyless(src *source, path []any, k *signing.Keyless, patterns []pattern) {
	switch {
	case k.Identity == "" && k.IdentityRegexp == "":
		c.errorf(src, path, "neither identity nor identityRegexp; anybody with an account at the issuer could sign")
	case k.Identity != "" && k.IdentityRegexp != "":
		c.errorf(src, path, "identity and identityRegexp; expected one of them")
	}
	if strings.Contains(k.Issuer, "*") {
		c.errorf(src, with(path, "issuer"), "%q; the issuer is compared exactly", k.Issuer)
	}
	if k.Where != "" {
		if _, err := expr.CompileWhere(k.Where); err != nil {
			c.errorf(src, with(path, "where"), "%v", err)
		}
	}
	for _, name := range capturesIn(k.Identity) {
		for _, p := range patterns {
			if !slices.Contains(p.captures(), name) {
				c.errorf(src, with(path, "identity"), "{%s} is not captured by the pattern %q", name, p.text)
			}
		}
	}
}

// capturesIn returns the names in braces in an identity.
func capturesIn(identity string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(identity, "{")
		if !ok {
			return out
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return append(out, rest)
		}
		out, identity = append(out, name), after
	}
}

// SignatureRule returns the rule for the canonical repository image, that of the
// longest pattern, and what the pattern captured; nil if there is none. The names
// of keys and roots in it are those of [Policy.Trust]. It must not be changed.
func (p *Policy) SignatureRule(image string) (*signing.Rule, map[string]string) {
	name := p.UpstreamOf(image)
	for _, r := range p.signatures {
		if captured, ok := r.pattern.match(name); ok {
			return r.rule, captured
		}
	}
	return nil, nil
}

// asksForSignature reports whether a rule requires something for s.
func (p *Policy) asksForSignature(s Subject) bool {
	rule, _ := p.SignatureRule(s.Image)
	return rule != nil && !rule.None
}

// PredicateTypes returns the predicate types that signature rules name, sorted:
// only those are worth decoding.
func (p *Policy) PredicateTypes() []string {
	types := map[string]bool{}
	for _, r := range p.signatures {
		for _, a := range r.rule.Attestations {
			types[a.PredicateType] = true
		}
	}
	return slices.Sorted(maps.Keys(types))
}

// SignatureOptions returns the defaults of the policy's signature rules. What
// concerns the source and what could not be built is the caller's to add.
func (p *Policy) SignatureOptions() signing.Options {
	o := signing.Options{Roots: slices.Clone(p.defaultRoots), SCT: signing.Required}
	if p.sctOptional {
		o.SCT = signing.NotRequired
	}
	return o
}

// Trust returns what signatures of image can be verified against: the keys and
// roots of the rule for it. If there is none it is all that the policy holds, so
// that what signed it can be told, and Public is not set: the public root is
// fetched only when a rule needs it.
func (p *Policy) Trust(image string) Trust {
	rule, _ := p.SignatureRule(image)
	rules := []*signing.Rule{rule}
	if rule == nil {
		rules = nil
		for _, r := range p.signatures {
			rules = append(rules, r.rule)
		}
	}
	wantKeys, wantRoots := map[string]bool{}, map[string]bool{}
	for _, r := range rules {
		lists := [][]signing.Authority{r.AnyOf}
		for _, a := range r.Attestations {
			lists = append(lists, a.AnyOf)
		}
		for _, a := range slices.Concat(lists...) {
			if a.Key != "" {
				wantKeys[a.Key] = true
			}
			for _, root := range p.rootsOf(a) {
				wantRoots[root] = true
			}
		}
	}
	t := Trust{SCT: !p.sctOptional, Public: rule != nil && wantRoots[PublicRoot]}
	for _, name := range slices.Sorted(maps.Keys(wantKeys)) {
		t.Keys = append(t.Keys, p.keys[name])
	}
	for _, name := range slices.Sorted(maps.Keys(wantRoots)) {
		if name != PublicRoot {
			t.Roots = append(t.Roots, p.roots[name])
		}
	}
	return t
}

// rootsOf returns the roots that count for a: its own, else the policy's, else
// the public one. A key whose signatures need not be in a log needs none: that
// keeps runs with keys only off the network.
func (p *Policy) rootsOf(a signing.Authority) []string {
	switch {
	case a.Roots != nil:
		return a.Roots
	case a.Key != "" && a.TransparencyLog == signing.NotRequired:
		return nil
	case p.defaultRoots != nil:
		return p.defaultRoots
	}
	return []string{PublicRoot}
}

func (c *compiler) unreachableSignatures(refuse func(pattern, ...any)) {
	for _, r := range c.p.signatures {
		refuse(r.pattern, "signatures")
	}
}
