package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
)

// Text says how a report is written for people. The zero value is plain, short
// and 80 columns wide.
type Text struct {
	Color   bool
	Verbose bool              // all findings, also of checks that are off, and all passes
	Titles  map[string]string // check ID → title
}

const (
	width    = 80
	examples = 5 // findings of one check before -v is needed
)

// Write writes r: for each target its verdict first, then causes, the worst
// first, and one line over all of them last.
func (t Text) Write(w io.Writer, r *Report) error {
	p := &printer{Text: t}
	shown := map[*Image]string{}
	blocks := 0
	for _, target := range r.Targets {
		if slices.ContainsFunc(r.Inventories, func(i Inventory) bool { return target.Inventory != "" && i.Name == target.Inventory }) {
			continue
		}
		if blocks++; blocks > 1 {
			p.line("")
		}
		p.target(r, target, shown)
	}
	for _, inv := range r.Inventories {
		if blocks++; blocks > 1 {
			p.line("")
		}
		p.inventory(r, inv)
	}
	for i, n := range r.Notices {
		if i == 0 {
			p.line("")
		}
		p.wrap("note: "+n, "", "      ")
	}
	if len(r.Targets) == 0 && len(r.Inventories) == 0 {
		p.line("0 references found")
	}
	p.line("")
	if r.Baseline != nil {
		p.line("since the baseline: " + r.Baseline.String())
		p.line("")
	}
	p.total(r)
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type printer struct {
	Text
	out bytes.Buffer
}

func (p *printer) line(s string) { p.out.WriteString(strings.TrimRight(s, " ") + "\n") }

func (p *printer) target(r *Report, t Target, shown map[*Image]string) {
	img := r.find(t)
	results := append([]*Result(nil), t.Results...)
	if img != nil {
		results = append(results, img.Results...)
	}
	p.title(t.Ref, t.Verdict.Decision, verdictText(t.Verdict.Decision, results))
	if img != nil {
		p.line(Escape(string(img.ID)))
		if first, again := shown[img]; again {
			p.wrap("the same image as "+first+", see there", "", "")
			results = t.Results
		} else {
			shown[img] = t.Ref
			p.line("")
			p.summary(img.Summary)
		}
	}
	p.findings(results)
}

// title prints a name and, at the right, the verdict on it.
func (p *printer) title(name string, d policy.Decision, verdict string) {
	name = Escape(name)
	if gap := width - runes(name) - runes(verdict); gap >= 2 {
		p.line(name + strings.Repeat(" ", gap) + p.paint(d, verdict))
		return
	}
	p.line(name)
	p.line(strings.Repeat(" ", max(0, width-runes(verdict))) + p.paint(d, verdict))
}

// find returns the image of t, or nil.
func (r *Report) find(t Target) *Image {
	for i := range r.Images {
		img := &r.Images[i]
		if t.Image != "" && img.ID == t.Image && (t.ImageName == "" || img.Image == t.ImageName) && (img.Source == "" || img.Source == t.Ref) {
			return img
		}
	}
	return nil
}

func (p *printer) summary(s Summary) {
	row := func(name string, l Line) {
		if len(l.Text) == 0 {
			return
		}
		p.wrapRow(fmt.Sprintf(" %-10s ", name), l.State, strings.Join(l.Text, "; "))
	}
	row("published", s.Published)
	row("signed", s.Signed)
	row("content", s.Content)
	if len(s.NotAsked) > 0 {
		p.wrapRow(fmt.Sprintf(" %-10s ", "not asked"), "", strings.Join(s.NotAsked, "; "))
	}
}

func (p *printer) wrapRow(head, state, text string) {
	state = Escape(state)
	pad := head + fmt.Sprintf("%-5s ", state)
	if len(state) > 5 {
		pad = head + state + " "
	}
	indent := strings.Repeat(" ", len(head)+6)
	lines := wrap(Escape(text), width-len(indent))
	for i, l := range lines {
		if i == 0 && len(pad) <= len(indent) {
			p.line(pad + l)
			continue
		}
		if i == 0 {
			p.line(pad)
		}
		p.line(indent + l)
	}
}

// wrap prints s with a first and a following indent.
func (p *printer) wrap(s, first, next string) {
	for i, l := range wrap(Escape(s), width-len(next)) {
		if i == 0 {
			p.line(first + l)
		} else {
			p.line(next + l)
		}
	}
}

func (p *printer) total(r *Report) {
	c := r.Counts
	s := fmt.Sprintf("%s: %d deny, %d warn, %d undecided, %d pass, %d not asked",
		verdictWord(r.Verdict), c.Deny, c.Warn, c.Open, c.Pass, c.NotAsked)
	if c.Excepted > 0 {
		s += fmt.Sprintf(", %d excepted", c.Excepted)
	}
	if c.AcceptedUndecided > 0 {
		s += fmt.Sprintf(", %d accepted undecided", c.AcceptedUndecided)
	}
	if len(r.Targets) > 1 {
		s += "; " + counted(len(r.Images), "images")
	}
	tail := Escape(r.Policy.Name)
	if r.Elapsed > 0 {
		tail += fmt.Sprintf(", %.1f s", r.Elapsed.Seconds())
	}
	if gap := width - runes(s) - runes(tail); gap >= 2 {
		p.line(p.paint(r.Verdict, s) + strings.Repeat(" ", gap) + tail)
		return
	}
	for _, l := range wrap(s, width) {
		p.line(p.paint(r.Verdict, l))
	}
	p.line(strings.Repeat(" ", max(0, width-runes(tail))) + tail)
}

func verdictWord(d policy.Decision) string {
	switch d {
	case policy.Deny:
		return "denied"
	case policy.Warn, policy.Allow:
		return "allowed"
	}
	return "undecided"
}

func verdictText(d policy.Decision, results []*Result) string {
	n := 0
	for _, r := range results {
		if r.Outcome == check.Fail && r.Decision == policy.Warn && !r.Open() {
			n++
		}
	}
	s := strings.ToUpper(verdictWord(d))
	if n == 1 {
		s += ", 1 warning"
	} else if n > 1 {
		s += fmt.Sprintf(", %d warnings", n)
	}
	return s
}

func (p *printer) paint(d policy.Decision, s string) string {
	if !p.Color {
		return s
	}
	code := "33" // yellow
	switch d {
	case policy.Deny:
		code = "31"
	case policy.Allow:
		code = "32"
	}
	return "\x1b[1;" + code + "m" + s + "\x1b[0m"
}
