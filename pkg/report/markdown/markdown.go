// Package markdown writes reports as Markdown, for comments on pull requests and
// summaries of jobs.
package markdown

import (
	"fmt"
	"io"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// Sizes that forges take, in bytes, with room for what stands around.
const (
	Comment = 64_000    // GitHub: 65,536 characters
	Summary = 1_000_000 // GitHub: 1 MiB for each step
)

// places are how many places of one story are listed.
const places = 10

// Options say how to write.
type Options struct {
	// Limit is the most bytes to write. What does not fit is counted in the last
	// line. It is at least a few hundred; 0 = no limit.
	Limit int
	// Titles are those of the checks by ID.
	Titles map[string]string
}

// Write writes r: the verdict, the counts, then what is to tell, the worst first.
// All that comes from outside stands in code spans, in which nothing is a link,
// a mention, a picture or HTML.
func Write(w io.Writer, r *report.Report, o Options) error {
	stories := report.Stories(report.Entries(r))
	var b strings.Builder
	head(&b, r)
	under, left := "", 0
	var worst string
	for _, s := range stories {
		var one strings.Builder
		title := section(s)
		if title != under {
			fmt.Fprintf(&one, "\n### %s\n\n", title)
		}
		o.story(&one, s)
		if o.Limit > 0 && b.Len()+one.Len() > o.Limit-reserve {
			if left++; left == 1 {
				worst = title
			}
			continue
		}
		under = title
		b.WriteString(one.String())
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n**%d of %d entries do not fit in here**, the first of them under %q: the JSON report has all.\n", left, len(stories), worst)
	}
	if notes := notices(r); o.Limit == 0 || b.Len()+len(notes) <= o.Limit {
		b.WriteString(notes)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// reserve is what the last lines need.
const reserve = 200

func head(b *strings.Builder, r *report.Report) {
	mark := map[policy.Decision]string{policy.Deny: "❌", policy.Allow: "✅", policy.Warn: "✅"}[r.Verdict]
	if mark == "" {
		mark = "❓"
	}
	c := r.Counts
	fmt.Fprintf(b, "## %s intact: %s\n\n", mark, r.Word())
	fmt.Fprintf(b, "%d deny, %d warn, %d undecided, %d pass, %d not asked", c.Deny, c.Warn, c.Open, c.Pass, c.NotAsked)
	if c.Excepted > 0 {
		fmt.Fprintf(b, ", %d accepted", c.Excepted)
	}
	fmt.Fprintf(b, "; policy %s, %d images\n", Code(r.Policy.Name), len(r.Images))
	if s := r.Baseline; s != nil {
		fmt.Fprintf(b, "\nSince the baseline: %s.\n", s)
	}
	if len(r.Targets) == 0 {
		b.WriteString("\n0 references found.\n")
	}
}

// section is the heading under which s stands.
func section(s report.Story) string {
	switch {
	case s.Accepted != "":
		return "Accepted"
	case s.Decision == policy.Deny:
		return "Denied"
	case s.Open && s.Decision == policy.Warn:
		return "Not examined, accepted by the policy"
	case s.Open:
		return "Not examined"
	}
	return "Warnings"
}

func (o Options) story(b *strings.Builder, s report.Story) {
	if s.Open {
		fmt.Fprintf(b, "- %s\n", Code(s.Message))
		var ids []string
		for _, id := range s.Checks {
			ids = append(ids, Code(id))
		}
		if len(ids) > 0 {
			fmt.Fprintf(b, "  - not decided: %s\n", strings.Join(ids, " "))
		}
	} else {
		id := strings.Join(s.Checks, " ")
		fmt.Fprintf(b, "- **%s**%s: %s", ident(id), o.title(id), Code(s.Message))
		if len(s.Platforms) > 0 {
			fmt.Fprintf(b, " on %s", Code(strings.Join(s.Platforms, ", ")))
		}
		b.WriteString("\n")
	}
	for _, l := range s.Lines {
		fmt.Fprintf(b, "  - %s\n", Code(l))
	}
	where(b, s)
	for _, so := range s.Consequences {
		fmt.Fprintf(b, "  - so: %s\n", Code(so))
	}
	if s.Moot != "" {
		fmt.Fprintf(b, "  - moot: %s\n", Code(s.Moot))
	}
	if s.Accepted != "" {
		fmt.Fprintf(b, "  - accepted: %s\n", Code(s.Accepted))
	}
	for i, fix := range s.Fixes {
		if i == places {
			fmt.Fprintf(b, "  - and %d more fixes like these\n", len(s.Fixes)-i)
			break
		}
		fmt.Fprintf(b, "  - fix: %s\n", Code(fix))
	}
}

func where(b *strings.Builder, s report.Story) {
	for i, p := range s.Places {
		at := p.String()
		if p.Count > 1 {
			at += fmt.Sprintf(" ×%d", p.Count)
		}
		if i == places {
			fmt.Fprintf(b, "  - and in %d more places\n", len(s.Places)-i)
			break
		}
		fmt.Fprintf(b, "  - at %s\n", Code(at))
	}
}

// ident is the ID of a check, which may be a policy's own: letters and digits.
func ident(id string) string {
	for _, c := range id {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return Code(id)
		}
	}
	return id
}

// title is the title of a check behind a blank. Those of a policy's own come from
// outside.
func (o Options) title(id string) string {
	t := o.Titles[id]
	switch {
	case t == "":
		return ""
	case plain().MatchString(t) && !strings.Contains(t, "www"):
		return " " + t
	}
	return " " + Code(t)
}

// plain are words in which nothing can be markup or a link.
var plain = lazy.Regexp(`^[A-Za-z0-9 ,;'-]+$`)

func notices(r *report.Report) string {
	if len(r.Notices) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n### Notes\n\n")
	for _, n := range r.Notices {
		fmt.Fprintf(&b, "- %s\n", Code(n))
	}
	return b.String()
}

// Code is s, from outside, as a code span: control characters escaped, and the
// fence longer than any run of backticks in it.
//
// https://spec.commonmark.org/0.31.2/#code-spans
func Code(s string) string {
	s = report.Escape(s)
	if s == "" {
		return "` `"
	}
	longest, run := 0, 0
	for _, c := range s {
		if run++; c != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if s[0] == '`' || s[len(s)-1] == '`' || strings.TrimSpace(s) != s {
		s = " " + s + " "
	}
	return fence + s + fence
}
