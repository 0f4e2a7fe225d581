package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
)

// findings prints what is wrong, deny first, then what could not be decided
// grouped by its cause, then warnings, then notes.
func (p *printer) findings(results []*Result) {
	p.failures(results, policy.Deny)
	p.open(results)
	p.failures(results, policy.Warn)
	p.accepted(results)
	p.notes(results)
	if p.Verbose {
		p.quiet(results)
	}
}

// failures prints the failed checks that led to d, those of one check and the
// same findings on several platforms once.
func (p *printer) failures(results []*Result, d policy.Decision) {
	type group struct {
		id        string
		platforms []string
		findings  []check.Finding
		excepted  int
	}
	var groups []group
	for _, r := range results {
		if r.Outcome != check.Fail || r.Decision != d || r.Open() {
			continue
		}
		var fs []check.Finding
		for _, f := range r.Findings {
			if !f.Note {
				fs = append(fs, f)
			}
		}
		key := fmt.Sprint(fs)
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.id == r.Check && g.excepted == r.Excepted && fmt.Sprint(g.findings) == key
		})
		if i < 0 {
			groups = append(groups, group{id: r.Check, findings: fs, excepted: r.Excepted})
			i = len(groups) - 1
		}
		if r.Platform != "" && !slices.Contains(groups[i].platforms, r.Platform) {
			groups[i].platforms = append(groups[i].platforms, r.Platform)
		}
	}
	for _, g := range groups {
		p.line("")
		p.heading(d, g.id, g.platforms)
		p.list(g.findings)
		if g.excepted > 0 {
			p.line(fmt.Sprintf("   %d of %d findings are excepted", g.excepted, len(g.findings)))
		}
	}
}

func (p *printer) heading(d policy.Decision, id string, platforms []string) {
	word := strings.ToUpper(d.String())
	text := p.Titles[id]
	if text == "" {
		text = id
	}
	id = Escape(id)
	head := word + " " + id + "  "
	if len(platforms) > 0 {
		text += " (" + strings.Join(platforms, ", ") + ")"
	}
	for i, l := range wrap(Escape(text), width-runes(head)) {
		if i == 0 {
			p.line(p.paint(d, word+" "+id) + "  " + l)
		} else {
			p.line(strings.Repeat(" ", runes(head)) + l)
		}
	}
}

func (p *printer) list(fs []check.Finding) {
	limit := examples
	if p.Verbose {
		limit = len(fs)
	}
	var fixes []string
	for i, f := range fs {
		if f.Fix != "" && !slices.Contains(fixes, f.Fix) {
			fixes = append(fixes, f.Fix)
		}
		if i >= limit {
			continue
		}
		p.wrap(f.Message, "   ", "   ")
		for _, l := range f.Lines {
			p.wrap(l, "     ", "       ")
		}
		if f.Origin != nil && f.Origin.Where != "" {
			p.line("   at " + Escape(where(f)))
		}
		if p.Verbose {
			for _, path := range f.Paths {
				p.line("     " + Escape(string(path)))
			}
		}
		for _, c := range f.Consequences {
			p.wrap("so: "+c, "   ", "       ")
		}
	}
	if len(fs) > limit {
		p.line(fmt.Sprintf("   and %d more (-v shows all)", len(fs)-limit))
	}
	for _, f := range fixes {
		p.wrap("fix: "+f, "   ", "        ")
	}
}

func where(f check.Finding) string {
	s := f.Origin.Where
	if f.Origin.Line > 0 {
		s += fmt.Sprintf(":%d:%d", f.Origin.Line, f.Origin.Column)
	}
	return s
}

// open prints what was not decided, one entry per cause: ten checks that lack
// one layer have one cause.
func (p *printer) open(results []*Result) {
	type entry struct {
		cause    fact.Cause
		whys     []string
		decision policy.Decision
		ids      []string
	}
	var entries []*entry
	for _, r := range results {
		if !r.Open() {
			continue
		}
		why := r.Why
		if r.Cause == fact.NotAsked {
			why = "the policy asks for it and it was left out: " + why
		}
		i := slices.IndexFunc(entries, func(e *entry) bool { return e.cause == r.Cause })
		if i < 0 {
			entries = append(entries, &entry{cause: r.Cause, decision: r.Decision})
			i = len(entries) - 1
		}
		e := entries[i]
		e.decision = policy.Worst(e.decision, r.Decision)
		if why != "" && !slices.Contains(e.whys, why) {
			e.whys = append(e.whys, why)
		}
		if !slices.Contains(e.ids, r.Check) {
			e.ids = append(e.ids, r.Check)
		}
	}
	for _, e := range entries {
		slices.Sort(e.ids)
		p.line("")
		cause := Escape(string(e.cause))
		if cause == "" {
			cause = "not gathered"
		}
		head := "UNDECIDED"
		if e.decision == policy.Warn {
			head = "UNDECIDED (accepted)"
		}
		p.line(p.paint(e.decision, head) + "  " + cause)
		for i, why := range e.whys {
			if i == maxWhys && !p.Verbose {
				p.line(fmt.Sprintf("   and %d more reasons (-v shows all)", len(e.whys)-i))
				break
			}
			p.wrap(why, "   ", "   ")
		}
		p.wrap("not decided: "+strings.Join(e.ids, " "), "   ", "   ")
	}
}

// maxWhys is how many reasons of one cause are shown without -v.
const maxWhys = 3

// accepted names the failures that exceptions accept.
func (p *printer) accepted(results []*Result) {
	for _, r := range results {
		if r.Excepted > 0 && r.Decision == policy.Allow && r.Outcome == check.Fail {
			p.line("")
			p.line(fmt.Sprintf("excepted %s  %d of %d findings", Escape(r.Check), r.Excepted, len(r.Findings)))
		}
	}
}

func (p *printer) notes(results []*Result) {
	var seen []string
	for _, r := range results {
		if r.Level == policy.LevelOff && !p.Verbose {
			continue
		}
		for _, f := range r.Findings {
			if !f.Note {
				continue
			}
			s := "note " + r.Check + "  " + f.Message
			if slices.Contains(seen, s) {
				continue
			}
			if len(seen) == 0 {
				p.line("")
			}
			seen = append(seen, s)
			p.wrap(s, "", "     ")
		}
	}
}

// quiet prints the outcomes that a short report leaves to its counts.
func (p *printer) quiet(results []*Result) {
	p.line("")
	for _, r := range results {
		s := r.Check
		if r.Platform != "" {
			s += " (" + r.Platform + ")"
		}
		if r.Level == policy.LevelOff {
			s += ", off"
		}
		if r.Why != "" && r.Outcome != check.Pass && r.Outcome != check.Fail {
			s += ": " + r.Why
		}
		p.wrap(s, fmt.Sprintf(" %-14s ", r.Outcome), strings.Repeat(" ", 16))
		if r.Level == policy.LevelOff && r.Outcome == check.Fail {
			for _, f := range r.Findings {
				p.wrap(f.Message, strings.Repeat(" ", 16), strings.Repeat(" ", 18))
			}
		}
	}
}
