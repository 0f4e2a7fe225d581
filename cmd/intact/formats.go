package main

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/github"
	"github.com/intact-dev/intact/pkg/report/gitlab"
	"github.com/intact-dev/intact/pkg/report/junit"
	"github.com/intact-dev/intact/pkg/report/markdown"
	"github.com/intact-dev/intact/pkg/report/sarif"
)

// formatNames are the values of --format.
func formatNames() []string {
	return []string{"text", "json", "sarif", "junit", "github", "gitlab", "markdown"}
}

// formatWords are what can follow --format.
func formatWords() []string {
	words := formatNames()
	for _, n := range formatNames() {
		words = append(words, n+"=")
	}
	return words
}

func (s *scanSetup) format(w io.Writer, r *report.Report, o output) error {
	switch o.format {
	case "json":
		return report.WriteJSON(w, r)
	case "sarif":
		return sarif.Write(w, r, slices.Concat(allChecks(), s.own))
	case "junit":
		return junit.Write(w, r, s.titles)
	case "github":
		return s.github(w, r, o)
	case "gitlab":
		return gitlab.Write(w, r)
	case "markdown":
		return markdown.Write(w, r, markdown.Options{Limit: markdown.Comment, Titles: s.titles})
	case patches:
		return report.WriteSuggestions(w, r)
	}
	return report.Text{Verbose: s.verbose, Titles: s.titles, Color: o.file == "" && s.p.color(s.p.stdout)}.Write(w, r)
}

// summaryVariable names the file whose Markdown GitHub Actions shows on the page
// of a job.
const summaryVariable = "GITHUB_STEP_SUMMARY"

// github writes annotations to w, and to the job's summary all there is to tell.
// A summary that cannot be written is no reason to say nothing: the log has it.
func (s *scanSetup) github(w io.Writer, r *report.Report, o output) error {
	rest := ""
	if name, ok := s.p.env(summaryVariable); ok && name != "" && o.file == "" {
		if err := appendSummary(name, r, s.titles); err != nil {
			s.p.say("warning", "write the job summary: %v", err)
		} else {
			rest = "the job summary"
		}
	}
	return github.Write(w, r, s.titles, rest)
}

// appendSummary adds r to the file name, which other steps of the job share.
func appendSummary(name string, r *report.Report, titles map[string]string) (err error) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(markdown.Write(f, r, markdown.Options{Limit: markdown.Summary, Titles: titles}), f.Close())
}
