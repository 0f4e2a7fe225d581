package scan

import (
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// results evaluates every check on the image and on each of its children.
func (o Options) results(e *examined) []check.Result {
	var out []check.Result
	checks := slices.Concat(o.Checks, o.Signatures.Checks(e.name, e.unsigned), o.Policy.Checks(o.Now))
	// A root that is a platform's own manifest is judged there; the image's set
	// then holds no document of its own.
	own := len(e.set.Documents.Parts) > 0 || e.set.Documents.State != fact.Known
	for _, c := range checks {
		onImage := slices.Contains(c.Scopes, check.ScopeImage)
		onPlatform := slices.Contains(c.Scopes, check.ScopePlatform)
		if onImage && (!onPlatform || own) {
			out = append(out, check.Evaluate(c, e.set))
		}
		if !onPlatform {
			continue
		}
		for _, child := range e.children {
			r := check.Evaluate(c, child.set)
			r.Platform = child.label
			out = append(out, r)
		}
		if len(e.children) == 0 && !onImage {
			out = append(out, check.Evaluate(c, nothingBelow(e.set)))
		}
	}
	return out
}

// referenceResults evaluates the checks that are about the reference.
func (o Options) referenceResults(s *fact.Set) []check.Result {
	return o.scoped(s, check.ScopeReference)
}

// scoped evaluates the checks of some scopes on one set.
func (o Options) scoped(s *fact.Set, scopes ...check.Scope) []check.Result {
	var out []check.Result
	for _, c := range slices.Concat(o.Checks, o.Policy.Checks(o.Now)) {
		if slices.ContainsFunc(c.Scopes, func(s check.Scope) bool { return slices.Contains(scopes, s) }) {
			out = append(out, check.Evaluate(c, s))
		}
	}
	return out
}

// nothingBelow is the set of a platform that there is not: a root that is wrong,
// or an index that lists nothing. That names no content, so nothing about
// content can be said.
func nothingBelow(root *fact.Set) *fact.Set {
	c, why := root.Image.Cause, root.Image.Why
	if root.Image.State == fact.Known {
		c, why = fact.Dependency, "the index lists nothing"
	}
	s := fact.AllMissing(c, why)
	s.Image = root.Image
	return s
}

// unexamined evaluates the checks on images for a target that led to none.
func (o Options) unexamined(s *fact.Set, t Target) []check.Result {
	var out []check.Result
	for _, c := range slices.Concat(o.Checks, o.Signatures.Checks(t.Name, Unsigned{}), o.Policy.Checks(o.Now)) {
		if slices.Contains(c.Scopes, check.ScopeImage) || slices.Contains(c.Scopes, check.ScopePlatform) {
			out = append(out, check.Evaluate(c, s))
		}
	}
	return out
}
