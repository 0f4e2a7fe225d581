package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy/expr"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// compiler puts the files of a chain together, the topmost parent first.
type compiler struct {
	l    Loader
	p    *Policy
	errs strictyaml.Errors
	// ids are intact's checks, own the rules so far.
	ids, own map[string]bool
}

func (l Loader) compile(chain []*source) (*Policy, error) {
	c := &compiler{l: l, p: &Policy{known: map[string]check.Check{}, depth: DepthManifest, layers: []layer{}}, ids: map[string]bool{}, own: map[string]bool{}}
	for _, k := range l.Checks {
		c.p.known[k.ID] = k
		c.ids[k.ID] = true
	}
	for _, src := range chain {
		c.p.name = src.Name
		c.p.chain = append(c.p.chain, src.Name)
		c.settings(src)
		c.checks(src, c.rules(src))
		c.mirrors(src)
		c.tags(src)
		c.signatures(src)
		c.exceptions(src)
		if err := c.errs.Err(); err != nil {
			return nil, err // a file is judged with sound parents only
		}
	}
	own := chain[len(chain)-1]
	c.finish(own)
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	digest, err := digestOf(chain, nil)
	if err != nil {
		return nil, fmt.Errorf("digest of policy %s: %w", own.file, err)
	}
	c.p.digest, c.p.sources = digest, chain
	return c.p, nil
}

func (c *compiler) add(errs strictyaml.Errors) { c.errs = append(c.errs, errs...) }

func (c *compiler) errorf(src *source, path []any, format string, args ...any) {
	c.errs = append(c.errs, src.doc.Errorf(path, format, args...))
}

func (c *compiler) settings(src *source) {
	if src.Since != "" {
		c.p.since = src.Since
	}
	if src.Depth != "" {
		c.p.depth = Depth(src.Depth)
	}
	if src.Undecided != "" {
		c.p.undecidedWarns = src.Undecided == "warn"
	}
	if src.AllowInline != nil {
		c.p.allowInline = src.AllowInline
		for i, id := range src.AllowInline {
			if why := c.unknownID(id); why != "" {
				c.errorf(src, []any{"allowInline", i}, "%s", why)
			}
		}
	}
}

var (
	idPattern     = lazy.Regexp(`^[A-Z]{3,12}[0-9]{3}$`)
	familyPattern = lazy.Regexp(`^[A-Z]{3,12}$`)
)

// unknownID says what is wrong with a check's ID, or "".
func (c *compiler) unknownID(id string) string {
	switch {
	case !idPattern().MatchString(id):
		return fmt.Sprintf("%q; expected the ID of a check, such as LAY003%s", id, strictyaml.DidYouMean(id, c.allIDs()))
	case len(c.l.Checks) > 0 && !c.ids[id] && !c.own[id]:
		return fmt.Sprintf("no check is called %q%s", id, strictyaml.DidYouMean(id, c.allIDs()))
	}
	return ""
}

func (c *compiler) allIDs() []string {
	var out []string
	for _, ids := range []map[string]bool{c.ids, c.own} {
		out = slices.AppendSeq(out, maps.Keys(ids))
	}
	slices.Sort(out)
	return out
}

// unknownKey says what is wrong with a key of a mapping of checks, or "".
func (c *compiler) unknownKey(key string) string {
	if !familyPattern().MatchString(key) {
		return c.unknownID(key)
	}
	known := families()
	for _, id := range c.allIDs() {
		known = append(known, familyOf(id))
	}
	if !slices.Contains(known, key) {
		slices.Sort(known)
		return fmt.Sprintf("no family is called %q%s; there are %s", key, strictyaml.DidYouMean(key, known), strings.Join(slices.Compact(known), ", "))
	}
	return ""
}

// rules compiles own checks and returns what they say about themselves.
func (c *compiler) rules(src *source) map[string]Level {
	levels := map[string]Level{}
	for i, d := range src.Rules {
		path := []any{"rules", i}
		if c.own[d.ID] || c.ids[d.ID] {
			c.errorf(src, with(path, "id"), "there is a check %s already", d.ID)
			continue
		}
		program, err := expr.Compile(expr.Rule{ID: d.ID, Title: d.Title, Fail: d.Fail})
		if err != nil {
			c.errorf(src, with(path, "fail"), "%v", err)
			continue
		}
		c.own[d.ID] = true
		c.p.rules = append(c.p.rules, program)
		c.p.known[d.ID] = program.Check(time.Time{})
		levels[d.ID] = parseLevel(d.Decision)
	}
	return levels
}

func (c *compiler) checks(src *source, own map[string]Level) {
	levels := func(path []any, checks map[string]string) map[string]Level {
		out := map[string]Level{}
		for key, level := range checks {
			// Embedded policies name checks that are still to come.
			if why := c.unknownKey(key); why != "" && !src.embedded {
				e := src.doc.Errorf(with(path, key), "%s", why)
				c.errs = append(c.errs, e)
			}
			out[key] = parseLevel(level)
		}
		return out
	}
	maps.Copy(own, levels([]any{"checks"}, src.Checks))
	if len(own) > 0 {
		c.p.layers = append(c.p.layers, layer{origin: src.Name, levels: own})
	}
	for i, s := range src.Scopes {
		path := []any{"scopes", i}
		when, errs := compileScope(src.doc, path, s)
		c.add(errs)
		c.p.layers = append(c.p.layers, layer{origin: origin(src.Name, "scopes", i), when: when, levels: levels(with(path, "checks"), s.Checks)})
	}
	slices.SortStableFunc(c.errs, func(a, b *strictyaml.Error) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Column - b.Pos.Column
	})
}

func (c *compiler) mirrors(src *source) {
	seen := map[string]bool{}
	for i, d := range src.Mirrors {
		path := []any{"mirrors", i}
		prefix, err := canonicalPrefix(d.Prefix)
		if err != nil {
			c.errorf(src, with(path, "prefix"), "%v", err)
			continue
		}
		of, err := canonicalPrefix(d.Of)
		if err != nil {
			c.errorf(src, with(path, "of"), "%v", err)
			continue
		}
		if seen[prefix] {
			c.errorf(src, with(path, "prefix"), "%q is there twice", d.Prefix)
		}
		seen[prefix] = true
		c.p.mirrors = slices.DeleteFunc(c.p.mirrors, func(m mirror) bool { return m.prefix == prefix })
		c.p.mirrors = append(c.p.mirrors, mirror{prefix, of})
	}
	if len(c.p.mirrors) > maxMirrors {
		c.errorf(src, []any{"mirrors"}, "more than %d mirrors", maxMirrors)
	}
}

func (c *compiler) tags(src *source) {
	rules, errs := compileTags(src.doc, src.Tags)
	c.add(errs)
	seen := map[string]bool{}
	for _, r := range rules {
		if shape := r.pattern.shape(); seen[shape] {
			c.errorf(src, []any{"tags"}, "the pattern %q is there twice", r.pattern.text)
		}
		seen[r.pattern.shape()] = true
	}
	// A child's come before its parents' of the same shape.
	c.p.tags = append(rules, c.p.tags...)
	slices.SortStableFunc(c.p.tags, func(a, b tagRule) int { return b.pattern.compare(a.pattern) })
}

func (c *compiler) exceptions(src *source) {
	for i, d := range src.Exceptions {
		path := []any{"exceptions", i}
		if why := c.unknownID(d.Check); why != "" {
			c.errorf(src, with(path, "check"), "%s", why)
			continue
		}
		e, errs := compileException(src.doc, path, d)
		c.add(errs)
		c.p.exceptions = append(c.p.exceptions, e)
	}
}
