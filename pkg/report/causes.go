package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
)

// A cause is one finding of one check and all places where it stands: thousands
// of equal containers are one cause.
type cause struct {
	check     string
	decision  policy.Decision
	finding   check.Finding
	platforms []string
	places    []place
}

// A place is a workload's container, or a line of a file, and how often.
type place struct {
	where, what string
	count       int
	node        string // of the only one
}

// A spot is a result and where it stands.
type spot struct {
	Result
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
			key := strings.Join([]string{s.Check, f.Message, f.Fix, fmt.Sprint(f.Consequences), fmt.Sprint(f.Lines)}, "\x00")
			c := known[key]
			if c == nil {
				c = &cause{check: s.Check, decision: d, finding: f}
				known[key] = c
				out = append(out, c)
			}
			if s.Platform != "" && !slices.Contains(c.platforms, s.Platform) {
				c.platforms = append(c.platforms, s.Platform)
			}
			c.places = append(c.places, s.places...)
		}
	}
	for _, c := range out {
		c.places = together(c.places)
	}
	slices.SortStableFunc(out, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.finding.Message, b.finding.Message))
	})
	return out
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
		out[i].node = ""
	}
	slices.SortStableFunc(out, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.where, b.where), cmp.Compare(a.what, b.what))
	})
	return out
}

// placesOf are the workloads of a target.
func placesOf(t Target) []place {
	var out []place
	what := "[" + t.Container + "]"
	if t.Kind == KindGap {
		what = ""
	}
	for _, o := range t.Origins {
		p := place{where: o.Where, what: what, count: 1, node: o.Node}
		if n := len(out); n > 0 && out[n-1].where == p.where {
			out[n-1].count++
			out[n-1].node = ""
			continue
		}
		out = append(out, p)
	}
	return out
}

func (p place) String() string {
	s := p.where
	if p.what != "" {
		s += " " + p.what
	}
	switch {
	case p.count > 1:
		s += fmt.Sprintf(" · %d of them", p.count)
	case p.node != "":
		s += " · node " + p.node
	}
	return s
}
