package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
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
		rule := c.signatureEntry(src, path, d)
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
func (c *compiler) signatureEntry(src *source, path []any, d signing.Rule) *signing.Rule {
	for _, e := range d.Validate() {
		c.errorf(src, with(path, fieldPath(e.Path)...), "%v", e.Err)
	}
	rule := d
	rule.AnyOf = c.authorities(src, with(path, "anyOf"), d.AnyOf)
	rule.Attestations = slices.Clone(d.Attestations)
	for i, a := range d.Attestations {
		rule.Attestations[i].AnyOf = c.authorities(src, with(path, "attestations", i, "anyOf"), a.AnyOf)
	}
	return &rule
}

// fieldPath splits "anyOf[0].keyless.identity".
func fieldPath(s string) []any {
	var out []any
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		if i, err := strconv.Atoi(part); err == nil {
			out = append(out, i)
		} else {
			out = append(out, part)
		}
	}
	return out
}

// authorities returns list with its keys and roots read and named.
func (c *compiler) authorities(src *source, path []any, list []signing.Authority) []signing.Authority {
	out := slices.Clone(list)
	for i, a := range list {
		if a.Key != "" {
			key, err := c.key(src, a.Key)
			if err != nil {
				c.errorf(src, with(path, i, "key"), "%v", err)
			}
			out[i].Key = key.Name
		}
		if a.Roots != nil {
			out[i].Roots = c.rootNames(src, with(path, i, "roots"), a.Roots)
		}
	}
	return out
}

// SignatureRule returns the rule for the canonical repository image, that of the
// longest pattern with what it captured put in; nil if there is none. The names
// of keys and roots in it are those of [Policy.Trust].
func (p *Policy) SignatureRule(image string) *signing.Rule {
	rule, captured := p.signatureRule(image)
	if rule == nil {
		return nil
	}
	return rule.For(captured)
}

// SignatureChecks returns the checks SIG001 to SIG006 for images of the canonical
// repository image. The policy's defaults are put into o where o has none.
func (p *Policy) SignatureChecks(image string, o signing.Options) []check.Check {
	if o.Roots == nil {
		o.Roots = slices.Clone(p.defaultRoots)
	}
	if o.SCT == "" && p.sctOptional {
		o.SCT = signing.NotRequired
	}
	return signing.Checks(p.SignatureRule(image), o)
}

func (p *Policy) signatureRule(image string) (*signing.Rule, map[string]string) {
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
	rule, _ := p.signatureRule(s.Image)
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

// Trust returns what signatures of image can be verified against: the keys and
// roots of the rule for it. If there is none it is all that the policy holds, so
// that what signed it can be told, and Public is not set: the public root is
// fetched only when a rule needs it.
func (p *Policy) Trust(image string) Trust {
	rule, _ := p.signatureRule(image)
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

// Roots returns the trust roots that rules with keyless signatures verify against,
// whatever the image: own are files, and public says that Sigstore's is among
// them. Of rules about keys alone roots only say whose log it is, and are left out.
func (p *Policy) Roots() (own []Root, public bool) {
	want := map[string]bool{}
	for _, r := range p.signatures {
		all := slices.Clone(r.rule.AnyOf)
		for _, a := range r.rule.Attestations {
			all = append(all, a.AnyOf...)
		}
		if !slices.ContainsFunc(all, func(a signing.Authority) bool { return a.Keyless != nil }) {
			continue
		}
		for _, a := range all {
			for _, root := range p.rootsOf(a) {
				want[root] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name != PublicRoot {
			own = append(own, p.roots[name])
		}
	}
	return own, want[PublicRoot]
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
