// Package gitlab writes reports as Code Quality files, which GitLab shows in
// merge requests.
//
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
package gitlab

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// An issue is one entry of the file.
type issue struct {
	Description string   `json:"description"`
	Check       string   `json:"check_name"`
	Fingerprint string   `json:"fingerprint"`
	Severity    string   `json:"severity"`
	Location    location `json:"location"`
}

type location struct {
	Path  string `json:"path"`
	Lines lines  `json:"lines"`
}

type lines struct {
	Begin int `json:"begin"`
}

// Write writes r: an issue for each place in a file that a finding is about, and
// for each result that could not be decided, which a merge request never shows
// as fixed. Accepted findings are left out: the merge request need not show
// them. What is in no file has its name for a path.
func Write(w io.Writer, r *report.Report) error {
	issues := []issue{} // an empty file is [], never null
	var names report.Fingerprinter
	for _, e := range report.Entries(r) {
		if e.Accepted != "" {
			continue
		}
		places := e.Places
		if len(places) == 0 || e.OfImage || !places[0].InFile() {
			places = append([]report.Place(nil), places[:min(1, len(places))]...)
		}
		if len(places) == 0 {
			places = []report.Place{{}}
		}
		for _, p := range places {
			named := p
			if e.OfImage {
				named = report.Place{}
			}
			issues = append(issues, issue{
				Description: description(e), Check: name(e), Fingerprint: names.Of(e, named), Severity: severity(e),
				Location: location{Path: file(e, p), Lines: lines{max(1, p.Line)}},
			})
		}
	}
	b, err := json.MarshalIndent(issues, "", "  ")
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func name(e report.Entry) string {
	if e.Check == "" {
		return "EXAMINED"
	}
	return report.Escape(e.Check)
}

// severity: info, minor, major, critical, blocker.
func severity(e report.Entry) string {
	switch {
	case e.Decision == policy.Deny:
		return "critical"
	case e.Decision == policy.Undecided:
		return "major"
	case e.Moot != "" || e.Open:
		return "info"
	}
	return "minor"
}

func description(e report.Entry) string {
	s := e.Message()
	if e.OfImage || !strings.Contains(s, e.Subject) {
		s = e.Subject + ": " + s
	}
	if e.Platform != "" {
		s += " (" + e.Platform + ")"
	}
	for _, l := range e.Finding.Lines {
		s += "; " + l
	}
	for _, so := range e.Finding.Consequences {
		s += "; so: " + so
	}
	if e.Moot != "" {
		s += "; moot: " + e.Moot
	}
	if e.Finding.Fix != "" {
		s += "; fix: " + e.Finding.Fix
	}
	return report.Escape(s)
}

// file is the path of an issue, relative and without a step upwards.
func file(e report.Entry, p report.Place) string {
	s := p.Where
	if s == "" {
		s = e.Name
	}
	if s = strings.TrimLeft(path.Clean("/"+filepath.ToSlash(report.Escape(s))), "/"); s == "" {
		return "image"
	}
	return s
}
