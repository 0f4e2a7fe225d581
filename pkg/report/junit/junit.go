// Package junit writes reports as JUnit XML, in the form of Jenkins' schema
// (junit-10.xsd), which CI systems read as tests.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Suites   []*suite `xml:"testsuite"`
}

type suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Properties *[]property `xml:"properties>property,omitempty"`
	Cases      []*testcase `xml:"testcase"`
	Output     string      `xml:"system-out,omitempty"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Line    int      `xml:"line,attr,omitempty"`
	Error   *problem `xml:"error"`
	Failure *problem `xml:"failure"`
	Skipped *problem `xml:"skipped"`
	Output  string   `xml:"system-out,omitempty"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Write writes r: a suite for each target and each image, in it a case for each
// check that the policy has not switched off. What the policy denies is a
// failure, what it wants decided and was not an error: never examined is never
// passed. Skipped, with the reason, is what does not apply, what nobody asked
// for, what exceptions accept, and what the policy lets through undecided. What
// it warns about passes and says so in the case's output.
//
// titles are those of the checks by ID.
func Write(w io.Writer, r *report.Report, titles map[string]string) error {
	all := &suites{Name: report.Escape(r.Tool.Name)}
	for _, s := range report.Subjects(r) {
		all.add(newSuite(s, titles))
	}
	all.add(run(r))
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (a *suites) add(s *suite) {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		switch {
		case c.Error != nil:
			s.Errors++
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	a.Tests, a.Failures, a.Errors, a.Skipped = a.Tests+s.Tests, a.Failures+s.Failures, a.Errors+s.Errors, a.Skipped+s.Skipped
	a.Suites = append(a.Suites, s)
}

// run is the suite about the whole: its verdict, so that no reader needs to add
// up, and what the report says beside results.
func run(r *report.Report) *suite {
	c := &testcase{Class: "intact", Name: "verdict"}
	switch r.Verdict {
	case policy.Deny:
		c.Failure = &problem{Message: "denied by policy " + report.Escape(r.Policy.Name), Type: "deny"}
	case policy.Allow, policy.Warn:
	default:
		c.Error = &problem{Message: "undecided: something that policy " + report.Escape(r.Policy.Name) + " wants was not examined", Type: "undecided"}
	}
	s := &suite{Name: "verdict", Cases: []*testcase{c}, Properties: &[]property{
		{"policy", report.Escape(r.Policy.Name)}, {"policyDigest", report.Escape(r.Policy.Digest)}, {"verdict", r.Verdict.String()},
	}}
	var notices []string
	for _, n := range r.Notices {
		notices = append(notices, "note: "+report.Escape(n))
	}
	s.Output = strings.Join(notices, "\n")
	return s
}

func newSuite(subject report.Subject, titles map[string]string) *suite {
	name := report.Escape(subject.Title())
	s := &suite{Name: name}
	for _, res := range subject.Results {
		if res.Level == policy.LevelOff {
			continue
		}
		c := &testcase{Class: name, Name: report.Escape(report.Head(res.Check, titles))}
		if res.Platform != "" {
			c.Name += " (" + report.Escape(res.Platform) + ")"
		}
		if len(subject.Places) > 0 && subject.Places[0].InFile() {
			c.File, c.Line = report.Escape(subject.Places[0].Where), subject.Places[0].Line
		}
		c.outcome(subject, res)
		s.Cases = append(s.Cases, c)
	}
	for _, why := range subject.Verdict.Reasons {
		if why.Check == "" && why.Decision != policy.Allow {
			s.Cases = append(s.Cases, &testcase{Class: name, Name: "examined", Error: &problem{Message: report.Escape(why.Why), Type: "undecided"}})
		}
	}
	return s
}

func (c *testcase) outcome(subject report.Subject, res *report.Result) {
	why := "undecided"
	if res.Cause != "" {
		why += " (" + string(res.Cause) + ")"
	}
	if res.Why != "" {
		why += ": " + res.Why
	}
	why = report.Escape(why)
	text := words(subject, res)
	switch {
	case res.Open() && res.Decision == policy.Warn:
		c.Skipped = &problem{Message: why, Type: "undecided"}
	case res.Open():
		c.Error = &problem{Message: why, Type: "undecided", Text: text}
	case res.Decision == policy.Deny:
		c.Failure = &problem{Message: first(res), Type: "deny", Text: text}
	case res.Decision == policy.Warn:
		c.Output = "warning: " + text
	case res.Outcome == check.Fail && res.Excepted > 0:
		c.Skipped = &problem{Message: fmt.Sprintf("accepted: %d of %d findings", res.Excepted, len(res.Findings)), Type: "accepted"}
		c.Output = text
	case res.Outcome == check.Pass:
		c.Output = text // notes
	case res.Outcome == check.NotApplicable:
		c.Skipped = &problem{Message: report.Escape("not applicable: " + res.Why), Type: "not-applicable"}
	case res.Outcome == check.NotAsked:
		c.Skipped = &problem{Message: report.Escape("not asked: " + res.Why), Type: "not-asked"}
	default: // a result that no decision fits is not examined
		c.Error = &problem{Message: why, Type: "undecided", Text: text}
	}
}

// first is the first failing message of res.
func first(res *report.Result) string {
	for _, f := range res.Findings {
		if !f.Note {
			return report.Escape(f.Message)
		}
	}
	return report.Escape(res.Check)
}

// words are the findings of res and where its subject stands.
func words(subject report.Subject, res *report.Result) string {
	var lines []string
	add := func(s string) { lines = append(lines, report.Escape(s)) }
	for i, f := range res.Findings {
		switch by := res.AcceptedBy(i); {
		case f.Note:
			add("note: " + f.Message)
		case by != "":
			add(f.Message + " (accepted: " + by + ")")
		default:
			add(f.Message)
		}
		for _, l := range f.Lines {
			add("  " + l)
		}
		for _, so := range f.Consequences {
			add("so: " + so)
		}
		if f.Fix != "" {
			add("fix: " + f.Fix)
		}
	}
	if len(lines) > 0 {
		for _, p := range subject.PlacesOf(res.Check) {
			add("at " + p.String())
		}
		if subject.Moot[res.Check] != "" {
			add("moot: " + subject.Moot[res.Check])
		}
	}
	return strings.Join(lines, "\n")
}
