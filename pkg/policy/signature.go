package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// signatureRule is one pattern of one entry of signatures.
type signatureRule struct {
	pattern pattern
	entry   *signatureEntry
}

// signatureEntry is one entry of signatures, checked, its keys and roots read.
type signatureEntry struct {
	signatureDoc
	name string // "prod signatures[0]"
	doc  *strictyaml.Document
	path []any
	// keyNames are the names of the keys that authorities name, by their text.
	keyNames map[string]string
	// rootNames are the names of the roots, by the path of the authority.
	rootNames map[string][]string
}

// signatures compiles the signature rules and trust of one file.
func (c *compiler) signatures(src *source) {
	if src.Trust != nil {
		if src.Trust.Roots != nil {
			c.defaultRoots = c.rootNames(src, []any{"trust", "roots"}, src.Trust.Roots)
		}
		if src.Trust.SCT != "" {
			c.sctOptional = src.Trust.SCT == "not-required"
		}
		if src.Trust.Roots == nil && src.Trust.SCT == "" {
			c.errorf(src, []any{"trust"}, "neither roots nor sct; expected at least one")
		}
	}
	first := map[string]int{}
	var mine []signatureRule
	for i, d := range src.Signatures {
		path := []any{"signatures", i}
		entry := &signatureEntry{
			signatureDoc: d, name: origin(src.Name, "signatures", i), doc: src.doc, path: path,
			keyNames: map[string]string{}, rootNames: map[string][]string{},
		}
		patterns, errs := compilePatterns(src.doc, with(path, "images"), d.Images)
		c.add(errs)
		c.signatureEntry(src, entry, patterns)
		for j, p := range patterns {
			if k, ok := first[p.shape()]; ok {
				c.errorf(src, with(path, "images", j), "the pattern %q is there twice, first in signatures[%d]", p.text, k)
			}
			first[p.shape()] = i
			mine = append(mine, signatureRule{p, entry})
		}
	}
	// A child's come before its parents' of the same shape.
	c.p.signatures = append(mine, c.p.signatures...)
	slices.SortStableFunc(c.p.signatures, func(a, b signatureRule) int { return b.pattern.compare(a.pattern) })
}

func (c *compiler) signatureEntry(src *source, e *signatureEntry, patterns []pattern) {
	if e.None {
		if e.AnyOf != nil || e.Attestations != nil || e.Level != "" {
			c.errorf(src, e.path, "none: true and a requirement; expected one of them")
		}
		return
	}
	if e.AnyOf == nil && e.Attestations == nil {
		c.errorf(src, e.path, "the rule requires nothing; add anyOf or attestations, or say none: true")
	}
	if e.AnyOf == nil && e.Level != "" {
		c.errorf(src, with(e.path, "level"), "a level without anyOf; no signature is required")
	}
	c.authorities(src, e, with(e.path, "anyOf"), e.AnyOf, patterns)
	seen := map[string]bool{}
	for i, a := range e.Attestations {
		path := with(e.path, "attestations", i)
		if a.AnyOf == nil && e.AnyOf == nil {
			c.errorf(src, path, "nobody is named who may have made the attestation; add anyOf to it or to the rule")
		}
		if a.Where == "" && seen[a.PredicateType] {
			c.errorf(src, with(path, "predicateType"), "%q is required twice", a.PredicateType)
		}
		seen[a.PredicateType] = true
		c.authorities(src, e, with(path, "anyOf"), a.AnyOf, patterns)
	}
}

func (c *compiler) authorities(src *source, e *signatureEntry, path []any, list []authorityDoc, patterns []pattern) {
	names := map[string]bool{}
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
			if a.TransparencyLog == "not-required" {
				c.errorf(src, with(at, "transparencyLog"), "a keyless signature without a log or timestamp proves no time; leave transparencyLog out")
			}
		default:
			key, err := c.key(src, a.Key)
			if err != nil {
				c.errorf(src, with(at, "key"), "%v", err)
				continue
			}
			e.keyNames[a.Key] = key.Name
		}
		if a.Roots != nil {
			e.rootNames[pathKey(at)] = c.rootNames(src, with(at, "roots"), a.Roots)
		}
	}
}

func pathKey(path []any) string { return fmt.Sprint(path...) }

func (c *compiler) keyless(src *source, path []any, k *keylessDoc, patterns []pattern) {
	switch {
	case k.Identity == "" && k.IdentityRegexp == "":
		c.errorf(src, path, "neither identity nor identityRegexp; anybody with an account at the issuer could sign")
	case k.Identity != "" && k.IdentityRegexp != "":
		c.errorf(src, path, "identity and identityRegexp; expected one of them")
	}
	if strings.Contains(k.Issuer, "*") {
		c.errorf(src, with(path, "issuer"), "%q; the issuer is compared exactly", k.Issuer)
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

// signatureRule returns the rule for the canonical repository image, the longest
// pattern, and what it captures; nil if there is none.
func (p *Policy) signatureRule(image string) (*signatureEntry, map[string]string) {
	name := p.UpstreamOf(image)
	for _, r := range p.signatures {
		if captured, ok := r.pattern.match(name); ok {
			return r.entry, captured
		}
	}
	return nil, nil
}

// asksForSignature reports whether a rule requires something for s.
func (p *Policy) asksForSignature(s Subject) bool {
	e, _ := p.signatureRule(s.Image)
	return e != nil && !e.None
}

func (c *compiler) unreachableSignatures(refuse func(pattern, ...any)) {
	for _, r := range c.p.signatures {
		refuse(r.pattern, "signatures")
	}
}

func (c *compiler) rules(*source) {}
