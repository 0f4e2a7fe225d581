package policy

import (
	"slices"
	"strings"
)

// finish checks what can only be told of the whole.
func (c *compiler) finish(src *source) {
	if len(c.p.layers) == 0 {
		c.errorf(src, nil, "the policy decides about no check; add checks, or extend baseline, strict or audit")
		return
	}
	var open []string
	for _, k := range c.l.Checks {
		if !c.p.names(k.ID) && !c.p.newer(k.ID) {
			open = append(open, k.ID)
		}
	}
	if len(open) > 0 {
		slices.Sort(open)
		c.errorf(src, []any{"checks"}, "nothing says what to do about %s; name the check or its family, or extend baseline, strict or audit",
			strings.Join(open, ", "))
	}
	c.halfASignature(src)
	c.unreachable(src)
}

// halfASignature refuses to switch off some of the checks that together say
// whether a required signature is there.
func (c *compiler) halfASignature(src *source) {
	if !slices.ContainsFunc(c.p.signatures, func(r signatureRule) bool { return len(r.rule.AnyOf) > 0 }) {
		return
	}
	refuse := func(checks map[string]string, path ...any) {
		for _, id := range oneSignature() {
			if checks[id] == "off" {
				c.errorf(src, with(path, id), "%s cannot be off by itself where rules require signatures: an image whose signature is bad fails one of %s only; switch SIG off, or say none: true for the images",
					id, strings.Join(oneSignature(), ", "))
			}
		}
	}
	refuse(src.Checks, "checks")
	for i, s := range src.Scopes {
		refuse(s.Checks, "scopes", i, "checks")
	}
}

// unreachable refuses patterns below a mirror's prefix: they are compared with
// the name of the original and would never match, so that a rule meant to
// require something would silently require nothing.
func (c *compiler) unreachable(src *source) {
	refuse := func(p pattern, path ...any) {
		if len(p.segments) == 0 {
			return
		}
		name := strings.Join(p.segments, "/")
		if up := c.p.UpstreamOf(name + "/x"); up != name+"/x" {
			c.errorf(src, path, "pattern %q lies below a mirror; write the name of the original: %s", p.text, strings.TrimSuffix(up, "/x"))
		}
	}
	for _, e := range c.p.exceptions {
		for _, p := range e.images {
			refuse(p, "exceptions")
		}
	}
	for _, t := range c.p.tags {
		refuse(t.pattern, "tags")
	}
	for _, l := range c.p.layers {
		if l.when != nil {
			for _, p := range l.when.images {
				refuse(p, "scopes")
			}
		}
	}
	c.unreachableSignatures(refuse)
}
