package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy"
)

// A cause is one finding of one check and all places where it stands: thousands
// of equal containers are one cause.
type cause struct {
	check     string
	decision  policy.Decision
	message   string
	lines     []string
	so        []string
	fixes     []string
	platforms []string
	places    []place
	moot      map[string]int // containers in which it does not matter, by reason
}

// A place is a workload's container, or a line of a file, and how often.
type place struct {
	where, what string
	unit        string // what is counted: "pods", "containers"
	count       int
	node        string // of the only one
	moot        string // why it does not matter there
}

// A spot is a result and where it stands.
type spot struct {
	*Result
	places []place
}

// causesOf puts the findings of the failed results together that led to d: by
// check, then the one found most often first.
func causesOf(spots []spot, d policy.Decision) []*cause {
	var out []*cause
	known := map[string]*cause{}
	for _, s := range spots {
		if s.Outcome != check.Fail || s.Decision != d || s.Open() || s.PartOf != "" {
			continue
		}
		for _, f := range s.Findings {
			if f.Note {
				continue
			}
			key := strings.Join([]string{s.Check, f.Message, fmt.Sprint(f.Lines)}, "\x00")
			c := known[key]
			if c == nil {
				c = &cause{check: s.Check, decision: d, message: f.Message, lines: f.Lines, moot: map[string]int{}}
				known[key] = c
				out = append(out, c)
			}
			c.add(f, s)
		}
	}
	for _, c := range out {
		c.places = together(c.places)
	}
	slices.SortStableFunc(out, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.message, b.message))
	})
	return out
}

func (c *cause) add(f check.Finding, s spot) {
	for _, so := range f.Consequences {
		if !slices.Contains(c.so, so) {
			c.so = append(c.so, so)
		}
	}
	if f.Fix != "" && !slices.Contains(c.fixes, f.Fix) {
		c.fixes = append(c.fixes, f.Fix)
	}
	if s.Platform != "" && !slices.Contains(c.platforms, s.Platform) {
		c.platforms = append(c.platforms, s.Platform)
	}
	for _, p := range s.places {
		if p.moot != "" {
			c.moot[p.moot] += p.count
			continue
		}
		c.places = append(c.places, p)
	}
}

// matterless reports whether c is about an image alone and matters in none of the
// containers that run it. What the policy denies is told whatever runs.
func (c *cause) matterless() bool {
	return c.decision != policy.Deny && len(c.places) == 0 && len(c.moot) > 0
}

// whyMoot says where c does not matter, and why.
func (c *cause) whyMoot() string {
	var parts []string
	for _, why := range sortedKeys(c.moot) {
		parts = append(parts, counted(c.moot[why], "containers")+": "+why)
	}
	return strings.Join(parts, "; ")
}

func (c *cause) weight() (n int) {
	for _, p := range c.places {
		n += p.count
	}
	return n
}

// together adds equal places up, the most first.
func together(places []place) []place {
	type key struct{ where, what string }
	at := map[key]int{}
	var out []place
	for _, p := range places {
		k := key{p.where, p.what}
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, p)
			continue
		}
		out[i].count += p.count
		if out[i].node != p.node {
			out[i].node = ""
		}
	}
	slices.SortStableFunc(out, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.where, b.where), cmp.Compare(a.what, b.what))
	})
	return out
}

// placesOf are the workloads, or the lines of files, of a target.
func placesOf(t *Target, inv Inventory) []place {
	var out []place
	what, unit := "", "containers"
	if t.Container != "" {
		what = "[" + t.Container + "]"
	}
	if inv.Kind == "kubernetes" {
		unit = "pods"
	}
	for o := range t.Origins.All() {
		p := place{where: strings.TrimPrefix(o.Where, inv.Name+"/"), what: what, unit: unit, count: 1, node: o.Node}
		switch {
		case inv.Kind == "files":
			p = place{where: position(o), count: 1}
		case t.Kind == KindGap:
			p.what = ""
		case t.Kind == KindGroup:
			p.unit = ""
		}
		if n := len(out); n > 0 && out[n-1].where == p.where && out[n-1].what == p.what {
			out[n-1].count++
			if out[n-1].node != p.node {
				out[n-1].node = ""
			}
			continue
		}
		out = append(out, p)
	}
	return out
}

func position(o Origin) string {
	s := o.Where
	if o.Line > 0 {
		s += fmt.Sprintf(":%d", o.Line)
	}
	if o.Line > 0 && o.Column > 0 {
		s += fmt.Sprintf(":%d", o.Column)
	}
	return s
}

func (p place) String() string {
	s := p.where
	if p.what != "" {
		s += " " + p.what
	}
	switch {
	case p.unit == "":
	case p.count > 1:
		s += fmt.Sprintf(" · %d %s", p.count, p.unit)
	}
	if p.node != "" && p.unit != "" {
		s += " · node " + p.node
	}
	return s
}

var wholeDigest = lazy.Regexp(`\b(sha256|sha512):([0-9a-f]{12})[0-9a-f]{52,}\b`)

// short cuts digests to what a person can compare. Fixes keep them whole.
func short(s string) string { return wholeDigest().ReplaceAllString(s, "$1:$2…") }
