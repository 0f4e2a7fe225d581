package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A Problem is something in a policy that loads and is not what was meant, most
// likely.
type Problem struct {
	Pos  strictyaml.Pos
	Text string
}

// String returns file:line:column: text.
func (p Problem) String() string { return p.Pos.String() + ": " + p.Text }

// Lint returns the problems of p's own file as of now, in the file's order.
// Embedded parents are not looked at.
func (p *Policy) Lint(now time.Time) []Problem {
	if len(p.sources) == 0 {
		return nil
	}
	l := &linter{p: p, src: p.sources[len(p.sources)-1], now: now}
	l.settings()
	l.scopes()
	l.signatures()
	l.mirrors()
	l.exceptions()
	slices.SortStableFunc(l.out, func(a, b Problem) int {
		if d := a.Pos.Line - b.Pos.Line; d != 0 {
			return d
		}
		return a.Pos.Column - b.Pos.Column
	})
	return l.out
}

type linter struct {
	p   *Policy
	src *source
	now time.Time
	out []Problem
}

func (l *linter) say(path []any, format string, args ...any) {
	l.out = append(l.out, Problem{l.src.doc.Pos(path...), fmt.Sprintf(format, args...)})
}

func (l *linter) settings() {
	if l.src.Undecided == "warn" {
		l.say([]any{"undecided"}, "what could not be examined is let through with a warning")
	}
	var newer, deep []string
	for id, c := range l.p.known {
		level, _ := l.p.Level(id, Subject{})
		if l.p.newer(id) && level == LevelWarn {
			newer = append(newer, fmt.Sprintf("%s (%s)", id, c.Doc.Since))
		}
		_, named := l.src.Checks[id]
		_, family := l.src.Checks[familyOf(id)]
		if needs := l.p.needs(id); level == LevelDeny && (named || family) && !l.src.embedded && len(needs) > 0 && slices.Min(needs) > l.p.depth.order() {
			deep = append(deep, id)
		}
	}
	slices.Sort(newer)
	slices.Sort(deep)
	if l.src.Since != "" && newer != nil {
		l.say([]any{"since"}, "these checks are newer and count as warn: %s", strings.Join(newer, ", "))
	}
	if len(deep) > 0 {
		l.say([]any{"checks"}, "the depth %s does not reach what these denied checks need: %s", l.p.depth, strings.Join(deep, ", "))
	}
}

// scopes finds scopes of which nothing is left because a later one that holds
// for the same subjects names all their checks.
func (l *linter) scopes() {
	for i, a := range l.src.Scopes {
		for j := i + 1; j < len(l.src.Scopes); j++ {
			b := l.src.Scopes[j]
			if sameOrWider(b.Clusters, a.Clusters) && sameOrWider(b.Namespaces, a.Namespaces) &&
				sameOrWider(b.Images, a.Images) && sameOrWider(b.Paths, a.Paths) && namesAll(b.Checks, a.Checks) {
				l.say([]any{"scopes", i}, "scopes[%d] comes later, holds for the same and decides about all of these checks", j)
				break
			}
		}
	}
}

func sameOrWider(wide, narrow []string) bool {
	if wide == nil {
		return true
	}
	return narrow != nil && !slices.ContainsFunc(narrow, func(s string) bool { return !slices.Contains(wide, s) })
}

func namesAll(later, earlier map[string]string) bool {
	for key := range earlier {
		_, same := later[key]
		_, family := later[familyOf(key)]
		if !same && !family {
			return false
		}
	}
	return true
}

func (l *linter) signatures() {
	if len(l.src.Signatures) == 0 {
		return
	}
	everything := slices.ContainsFunc(l.p.signatures, func(r signatureRule) bool { return len(r.pattern.segments) == 0 })
	if !everything {
		l.say([]any{"signatures"}, `images that no rule names need no signature; add a rule for "**", with none: true if that is meant`)
	}
	for i, r := range l.src.Signatures {
		if r.None {
			continue
		}
		image := strings.Join(firstPattern(r.Images).segments, "/")
		if level, rule := l.p.Level("SIG001", Subject{Image: image}); r.AnyOf != nil && level == LevelOff {
			l.say([]any{"signatures", i}, "a signature is required and SIG001 is off (%s)", rule)
		}
		if level, rule := l.p.Level("SIG005", Subject{Image: image}); r.Attestations != nil && level == LevelOff {
			l.say([]any{"signatures", i}, "an attestation is required and SIG005 is off (%s)", rule)
		}
	}
}

func firstPattern(images []string) pattern {
	for _, s := range images {
		if p, err := parsePattern(s); err == nil {
			return p
		}
	}
	return pattern{}
}

// mirrors finds prefixes that hold a mirror: its images go by other names.
func (l *linter) mirrors() {
	look := func(path []any, images []string) {
		for i, s := range images {
			p, err := parsePattern(s)
			if err != nil || !p.prefix || len(p.segments) == 0 {
				continue
			}
			for _, m := range l.p.mirrors {
				if strings.HasPrefix(m.prefix+"/", strings.Join(p.segments, "/")+"/") {
					l.say(with(path, i), "images of the mirror %s are not among these; they go by their names in %s", m.prefix, m.of)
				}
			}
		}
	}
	for i, r := range l.src.Signatures {
		look([]any{"signatures", i, "images"}, r.Images)
	}
	for i, s := range l.src.Scopes {
		look([]any{"scopes", i, "images"}, s.Images)
	}
	for i, t := range l.src.Tags {
		look([]any{"tags", i, "images"}, t.Images)
	}
	for i, e := range l.src.Exceptions {
		look([]any{"exceptions", i, "images"}, e.Images)
	}
}

// longException is what one is asked about: a year is long enough to be
// forgotten.
const longException = 366

func (l *linter) exceptions() {
	for i := range l.src.Exceptions {
		e := l.p.exceptions[len(l.p.exceptions)-len(l.src.Exceptions)+i]
		path := []any{"exceptions", i}
		switch left := e.DaysLeft(l.now); {
		case left < 0:
			l.say(path, "the exception expired on %s and no longer holds", e.Expires)
		case left <= WarnBefore:
			l.say(path, "the exception expires on %s", e.Expires)
		case left > longException:
			l.say(path, "the exception holds for more than a year, until %s", e.Expires)
		}
		image := strings.Join(e.images[0].segments, "/")
		if level, rule := l.p.Level(e.Check, Subject{Image: image}); level == LevelOff {
			l.say(path, "%s is off (%s); there is nothing to accept", e.Check, rule)
		}
		if e.All && slices.ContainsFunc(e.images, func(p pattern) bool { return len(p.segments) == 0 }) {
			l.say(path, "all findings in all images are accepted; set the check to off or warn if that is meant")
		}
	}
}
