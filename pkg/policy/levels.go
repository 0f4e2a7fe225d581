package policy

import (
	"fmt"
	"slices"
	"strings"
)

// A layer is one mapping of checks to levels: a file's checks, or one scope's.
type layer struct {
	origin string // "baseline@1", "prod scopes[0]", "command line"
	when   *scope // nil = always
	levels map[string]Level
	// exact means that since does not soften this layer's families.
	exact bool
}

// Families of checks that intact has.
func families() []string { return []string{"REF", "TAG", "DIG", "SIG", "LAY", "SET", "RUN", "REG"} }

// familyOf returns the letters that an ID begins with.
func familyOf(id string) string { return strings.TrimRight(id, "0123456789") }

// Level returns what happens when check id fails on s, and the rule that says
// so. The layers (a parent's checks and scopes, then its child's) are asked from
// the last; the first that names the check or its family decides, the check
// before its family. A check newer than since counts as warn where only a
// family denies it or nothing names it. Otherwise what nothing names is denied.
//
// Where a rule requires a signature, the checks of [oneSignature] are off
// together or not at all: of a signature that is not good exactly one of them
// fails, and to switch that one off would let the image through.
func (p *Policy) Level(id string, s Subject) (Level, string) {
	level, rule := p.ownLevel(id, s)
	if level != LevelOff || !slices.Contains(oneSignature(), id) {
		return level, rule
	}
	if r, _ := p.signatureRule(s.Image); r == nil || len(r.AnyOf) == 0 {
		return level, rule
	}
	for _, other := range oneSignature() {
		if l, by := p.ownLevel(other, s); l < level {
			level, rule = l, fmt.Sprintf("%s; a required signature has one level: %s", by, l)
		}
	}
	return level, rule
}

// oneSignature are the checks that together say whether a required signature is
// there.
func oneSignature() []string { return []string{"SIG001", "SIG002", "SIG003", "SIG004", "SIG006"} }

// ownLevel is the level of a check by itself.
func (p *Policy) ownLevel(id string, s Subject) (Level, string) {
	image := p.UpstreamOf(s.Image)
	for i := len(p.layers) - 1; i >= 0; i-- {
		l := &p.layers[i]
		family := familyOf(id)
		level, byID := l.levels[id]
		if !byID {
			var ok bool
			if level, ok = l.levels[family]; !ok {
				continue
			}
		}
		if !l.when.match(s, image) {
			continue
		}
		if byID {
			return level, fmt.Sprintf("%s: %s %s", l.origin, id, level)
		}
		if level == LevelDeny && !l.exact && p.newer(id) {
			return LevelWarn, fmt.Sprintf("%s: %s deny; %s is newer than since %s: warn", l.origin, family, id, p.since)
		}
		return level, fmt.Sprintf("%s: %s %s", l.origin, family, level)
	}
	if p.newer(id) {
		return LevelWarn, fmt.Sprintf("%s: nothing names %s, which is newer than since %s: warn", p.name, id, p.since)
	}
	return LevelDeny, fmt.Sprintf("%s: nothing names %s: deny", p.name, id)
}

// newer reports whether check id came after the month that the policy was
// written for.
func (p *Policy) newer(id string) bool {
	c, ok := p.known[id]
	return ok && p.since != "" && c.Doc.Since > p.since
}

// names reports whether anything that holds for every subject names id.
func (p *Policy) names(id string) bool {
	for _, l := range p.layers {
		if l.when != nil {
			continue
		}
		if _, ok := l.levels[id]; ok {
			return true
		}
		if _, ok := l.levels[familyOf(id)]; ok {
			return true
		}
	}
	return false
}
