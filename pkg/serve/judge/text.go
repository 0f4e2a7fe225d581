package judge

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// maxLines is how many findings are told; the report has all.
const maxLines = 10

// title is the outcome in one line.
func title(o *outcome, s Summary) string {
	verb := map[policy.Decision]string{policy.Allow: "allowed", policy.Warn: "allowed with warnings", policy.Deny: "denied", policy.Undecided: "undecided"}[s.Decision]
	switch {
	case o.gone && o.ref.Digest != "":
		return fmt.Sprintf("%s is not in its repository: %s", o.ref, verb)
	case o.gone:
		return fmt.Sprintf("%s was deleted: %s", o.ref, verb)
	case o.lost():
		return fmt.Sprintf("%s could not be examined: %s", o.ref, verb)
	case o.back(s):
		return fmt.Sprintf("%s moved back to what it was before: %s", o.ref, verb)
	case s.Before != "" && s.Before != o.digest:
		return fmt.Sprintf("%s moved: %s", o.ref, verb)
	}
	return fmt.Sprintf("%s: %s", o.ref, verb)
}

// back reports whether the tag is again what it was earlier.
func (o *outcome) back(s Summary) bool {
	return s.Before != o.digest && o.before.State == fact.Known &&
		slices.ContainsFunc(o.before.V.Earlier, func(p fact.Past) bool { return p.Digest == o.digest })
}

// lines are what stands below it: what was and is, what is new in it, what the
// policy does not like and how to mend it.
func lines(o *outcome, s Summary) []string {
	var out []string
	switch {
	case o.ref.Digest != "": // the title says it
	case o.gone:
		out = append(out, fmt.Sprintf("was %s", s.Before))
	case o.lost():
		if s.Before != "" {
			out = append(out, fmt.Sprintf("was %s when it was last seen", s.Before))
		}
	case s.Before != "" && s.Before != o.digest:
		out = append(out, fmt.Sprintf("is %s, was %s", o.digest, s.Before))
	case o.digest != "":
		out = append(out, fmt.Sprintf("is %s", o.digest))
	}
	if s.Error != "" {
		out = append(out, s.Error)
	}
	if s.Change != nil {
		for _, c := range s.Change.Changes {
			out = append(out, "new: "+joinPlatform(c.Platform, c.Text))
		}
		for _, n := range s.Change.NotCompared {
			out = append(out, "not compared: "+n)
		}
	}
	return append(out, reasons(o)...)
}

func joinPlatform(platform, text string) string {
	if platform == "" {
		return text
	}
	return platform + ": " + text
}

// reasons are the findings that led to the verdict, the worst first.
func reasons(o *outcome) []string {
	var out []string
	more := 0
	for _, want := range []policy.Decision{policy.Deny, policy.Undecided, policy.Warn} {
		for _, r := range results(o) {
			if r.Decision != want || r.PartOf != "" || r.Outcome == check.Pass {
				continue
			}
			for _, text := range said(r) {
				if len(out) < maxLines {
					out = append(out, fmt.Sprintf("%s %s: %s", want, r.Check, text))
				} else {
					more++
				}
			}
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more: see the report", more))
	}
	return out
}

func results(o *outcome) []*report.Result {
	out := o.target.Results
	for _, img := range o.report.Images {
		out = append(out[:len(out):len(out)], img.Results...)
	}
	return out
}

func said(r *report.Result) []string {
	if r.Outcome != check.Fail {
		return []string{r.Why}
	}
	var out []string
	for _, f := range r.Findings {
		if f.Note {
			continue
		}
		text := f.Message
		if f.Fix != "" {
			text += " (fix: " + f.Fix + ")"
		}
		out = append(out, text)
	}
	return out
}
