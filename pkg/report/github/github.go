// Package github writes reports as workflow commands, which GitHub Actions shows
// as annotations beside the lines of a pull request.
//
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
package github

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// Annotations are how many GitHub shows of one step and kind; what comes after
// them is dropped without a word.
const Annotations = 10

// Write writes at most [Annotations] annotations, errors first, and one line of
// log over all. Errors are what the policy denies and what it wants decided and
// was not. rest says where what does not fit is told: "the job summary"; if it
// is "", the log tells it.
//
// titles are those of the checks by ID.
func Write(w io.Writer, r *report.Report, titles map[string]string, rest string) error {
	var b strings.Builder
	notes := annotations(r, titles)
	for i, n := range notes {
		if i < Annotations {
			b.WriteString(n.command())
		}
	}
	if more := len(notes) - Annotations; more > 0 {
		if rest != "" {
			fmt.Fprintf(&b, "intact: %d more: see %s\n", more, rest)
		} else {
			for _, n := range notes[Annotations:] {
				b.WriteString(n.log())
			}
		}
	}
	c := r.Counts
	fmt.Fprintf(&b, "intact: %s: %d deny, %d warn, %d undecided, %d pass, %d not asked", r.Word(), c.Deny, c.Warn, c.Open, c.Pass, c.NotAsked)
	if c.Excepted > 0 {
		fmt.Fprintf(&b, ", %d excepted", c.Excepted)
	}
	if r.Baseline != nil {
		fmt.Fprintf(&b, "; since the baseline: %s", r.Baseline)
	}
	b.WriteString("\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// An annotation is one line of a file, or none, with what is to say about it.
type annotation struct {
	kind         string // error, warning, notice
	file         string
	line, column int
	title, lines string
}

// annotations are one for each line of a file that has to be changed. A story
// about an image or about what was not examined has one, at its first line: ten
// are soon used up.
func annotations(r *report.Report, titles map[string]string) []annotation {
	var errors, warnings, notices []annotation
	for _, s := range report.Stories(report.Entries(r)) {
		if s.Accepted != "" {
			continue
		}
		a, to := annotation{kind: "error", title: title(s, titles), lines: body(s)}, &errors
		switch {
		case s.Decision != policy.Warn:
		case s.Moot != "":
			a.kind, to = "notice", &notices
		default:
			a.kind, to = "warning", &warnings
		}
		here := slices.DeleteFunc(slices.Clone(s.Places), func(p report.Place) bool { return !p.InFile() })
		if len(here) == 0 || s.Open || s.OfImage {
			a.lines += "\n" + elsewhere(s)
			here = append(here, report.Place{})[:1]
		}
		for _, p := range here {
			a.file, a.line, a.column = filepath.ToSlash(p.Where), p.Line, p.Column
			*to = append(*to, a)
		}
	}
	return slices.Concat(errors, warnings, notices)
}

func title(s report.Story, titles map[string]string) string {
	if s.Open {
		return "undecided"
	}
	return report.Escape(report.Head(s.Checks[0], titles))
}

// body is what an annotation says, each line escaped.
func body(s report.Story) string {
	lines := []string{s.Message}
	if s.Open && len(s.Checks) > 0 {
		lines = append(lines, "not decided: "+strings.Join(s.Checks, " "))
	}
	lines = append(lines, s.Lines...)
	for _, so := range s.Consequences {
		lines = append(lines, "so: "+so)
	}
	if s.Moot != "" {
		lines = append(lines, "moot: "+s.Moot)
	}
	for _, fix := range s.Fixes {
		lines = append(lines, "fix: "+fix)
	}
	for i, l := range lines {
		lines[i] = report.Escape(l)
	}
	return strings.Join(lines, "\n")
}

// elsewhere names what a story without a file is about.
func elsewhere(s report.Story) string {
	var list []string
	for _, p := range s.Places {
		list = append(list, p.String())
	}
	const shown = 3
	text := "at " + report.Escape(strings.Join(list[:min(shown, len(list))], ", "))
	if more := len(list) - shown; more > 0 {
		text += fmt.Sprintf(" and in %d more places", more)
	}
	return text
}

func (a annotation) command() string {
	var props []string
	if a.file != "" {
		props = append(props, "file="+property(report.Escape(a.file)))
		if a.line > 0 {
			props = append(props, "line="+strconv.Itoa(a.line))
		}
		if a.column > 0 {
			props = append(props, "col="+strconv.Itoa(a.column))
		}
	}
	props = append(props, "title="+property(a.title))
	return "::" + a.kind + " " + strings.Join(props, ",") + "::" + data(a.lines) + "\n"
}

// log is a as a line of the log. The runner takes a line that begins with "::"
// behind blanks for a command, and "##[" anywhere in it.
func (a annotation) log() string {
	at := ""
	if a.file != "" {
		at = report.Escape(a.file) + ":" + strconv.Itoa(a.line) + ": "
	}
	text := a.title + ": " + strings.ReplaceAll(a.lines, "\n", "; ")
	return "intact: " + a.kind + ": " + strings.ReplaceAll(at+text, "##[", "##\\[") + "\n"
}

// data and property encode what the runner decodes, in its order.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
