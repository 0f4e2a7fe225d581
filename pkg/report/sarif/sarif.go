// Package sarif writes reports as SARIF 2.1.0, which code scanning reads.
//
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
package sarif

import (
	"fmt"
	"io"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

const (
	home = "https://github.com/intact-dev/intact"
	// schema is where the OASIS keeps what the report is valid by.
	schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// fingerprint is the name that code scanning tells alerts apart by.
	fingerprint = "primaryLocationLineHash"
)

// Write writes r with the checks of catalogue as rules. A finding is a result of
// kind "fail" for each place in a file that has to be changed, level error if
// the policy denies it and warning if not; accepted ones are suppressed. What
// could not be decided is of kind "open" and, since that fails no gate, also a
// notification of the invocation, which then did not succeed.
func Write(w io.Writer, r *report.Report, catalogue []check.Check) error {
	if err := build(r, catalogue).PrettyWrite(w); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func build(r *report.Report, catalogue []check.Check) *sarif.Report {
	out := sarif.NewReport()
	out.Schema = schema
	b := &builder{run: sarif.NewRunWithInformationURI(clean(r.Tool.Name), home), known: map[string]check.Check{}, at: map[string]int{}, compared: r.Baseline != nil}
	for _, c := range catalogue {
		b.known[c.ID] = c
	}
	b.run.Tool.Driver.WithVersion(clean(r.Tool.Version))
	b.run.WithProperties(sarif.NewPropertyBag().Add("verdict", r.Verdict.String()).Add("policy", clean(r.Policy.Name)).
		Add("policyDigest", clean(r.Policy.Digest)).Add("evaluated", r.Evaluated))
	invocation, succeeded := sarif.NewInvocation(), true
	for _, e := range report.Entries(r) {
		if e.Open {
			n := sarif.NewNotification().WithLevel(sarif.LevelWarning).WithMessage(message(e.Subject + ": " + withCheck(e)))
			if e.Decision == policy.Undecided {
				n.Level, succeeded = sarif.LevelError, false
			}
			invocation.AddToolExecutionNotification(n)
		}
		b.entry(e)
	}
	for _, n := range r.Notices {
		invocation.AddToolExecutionNotification(sarif.NewNotification().WithLevel(sarif.LevelNote).WithMessage(message(n)))
	}
	b.run.AddInvocation(invocation.WithExecutionSuccessful(succeeded))
	return out.AddRun(b.run)
}

func withCheck(e report.Entry) string {
	if e.Check == "" {
		return e.Message()
	}
	return e.Check + " " + e.Message()
}

type builder struct {
	run      *sarif.Run
	known    map[string]check.Check
	at       map[string]int // index of a rule by ID
	names    report.Fingerprinter
	compared bool // with an earlier report
}

// entry adds the results of e: what a file has to be changed for, one for each
// place in it; all else, one with all its places.
func (b *builder) entry(e report.Entry) {
	if e.OfImage || len(e.Places) == 0 || !e.Places[0].InFile() {
		b.result(e, e.Places)
		return
	}
	for i := range e.Places {
		b.result(e, e.Places[i:i+1])
	}
}

func (b *builder) result(e report.Entry, places []report.Place) {
	id := e.Check
	if id == "" {
		id = "EXAMINED" // no check: that anything was examined at all
	}
	text := e.Message()
	if e.Platform != "" {
		text += " (" + e.Platform + ")"
	}
	for _, l := range e.Finding.Lines {
		text += "; " + l
	}
	for _, so := range e.Finding.Consequences {
		text += "; so: " + so
	}
	if e.Moot != "" {
		text += "; moot: " + e.Moot
	}
	if e.Finding.Fix != "" {
		text += "; fix: " + e.Finding.Fix
	}
	res := sarif.NewResult().WithRuleID(clean(id)).WithRuleIndex(b.rule(id)).WithMessage(message(text)).WithLevel(levelOf(e)).WithKind("fail")
	if e.Open {
		res.WithKind("open")
	}
	first := report.Place{}
	if len(places) > 0 && !e.OfImage {
		first = places[0]
	}
	res.WithPartialFingerprints(map[string]string{fingerprint: b.names.Of(e, first)})
	res.WithProperties(properties(e))
	if b.compared && !e.Open {
		res.WithBaselineState("new")
		if e.Accepted == report.ByBaseline {
			res.WithBaselineState("unchanged")
		}
	}
	if e.Accepted != "" {
		kind := "external"
		if strings.HasPrefix(e.Accepted, report.ByComment) {
			kind = "inSource"
		}
		res.AddSuppression(sarif.NewSuppression().WithKind(kind).WithStatus("accepted").WithJustification(clean(e.Accepted)))
	}
	b.locations(res, e, places)
	b.run.AddResult(res)
}

// levelOf is what a result weighs. Other kinds than "fail" have the level none
// (3.27.10).
func levelOf(e report.Entry) string {
	switch {
	case e.Open:
		return sarif.LevelNone
	case e.Decision == policy.Deny:
		return sarif.LevelError
	case e.Decision == policy.Warn && e.Moot == "":
		return sarif.LevelWarning
	}
	return sarif.LevelNote
}

func properties(e report.Entry) *sarif.PropertyBag {
	p := sarif.NewPropertyBag().Add("decision", e.Decision.String()).Add("subject", clean(e.Subject))
	for key, v := range map[string]string{"platform": e.Platform, "container": e.Container, "cause": string(e.Cause)} {
		if v != "" {
			p.Add(key, clean(v))
		}
	}
	return p
}

// rule returns the index of the rule of a check, which it adds.
func (b *builder) rule(id string) int {
	if i, ok := b.at[id]; ok {
		return i
	}
	i := len(b.run.Tool.Driver.Rules)
	b.at[id] = i
	c, ok := b.known[id]
	d := sarif.NewReportingDescriptor().WithID(clean(id))
	switch {
	case ok && c.Doc != (check.Doc{}):
		help := "Why it matters: " + c.Doc.Why + "\n\nFix: " + c.Doc.Fix + "\n\nWhat it cannot see: " + c.Doc.Limits
		d.WithShortDescription(text(c.Title)).WithFullDescription(text(c.Doc.What)).
			WithHelp(text(help).WithMarkdown(string(check.Page(c, "")))).WithHelpURI(home + "/blob/main/docs/checks/" + check.PageName(c.ID))
	case ok:
		d.WithShortDescription(text(clean(c.Title))).WithFullDescription(text(clean(c.Title))).WithHelp(text("A check of the policy's own: the policy says what it is for."))
	default:
		d.WithShortDescription(text("nothing was examined")).WithFullDescription(text("Nothing of the subject was examined, so nothing is known about it.")).
			WithHelp(text("The result says why. What was not examined is never clean."))
	}
	b.run.Tool.Driver.AddRule(d)
	return i
}

func text(s string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(s)
}

// message is plain text from outside. In it `[text](target)` would be a link
// (3.11.6).
func message(s string) *sarif.Message {
	return sarif.NewTextMessage(strings.ReplaceAll(clean(s), "](", "] ("))
}

func clean(s string) string { return report.Escape(s) }
