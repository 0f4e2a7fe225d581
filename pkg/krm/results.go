package krm

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Results are what r, a report on the files of l, has to tell: an error for what
// is denied and for what had to be decided and was not, a warning for what is
// warned about or let through undecided, and info for the rest. The last one
// has the counts. What is about several resources stands at each of them; the
// checks that one lack keeps from being decided are one result.
func (l *List) Results(r *report.Report) []*Result {
	var out []*Result
	type lack struct {
		place    report.Place
		message  string
		decision policy.Decision
	}
	lacks := map[lack]*Result{}
	for _, e := range report.Entries(r) {
		places := e.Places
		if len(places) == 0 {
			places = []report.Place{{}}
		}
		for _, p := range places {
			key := lack{p, message(e), e.Decision}
			if one := lacks[key]; one != nil && e.Open {
				one.Tags["check"] += " " + report.Escape(e.Check)
				continue
			}
			res := l.result(e, p)
			out = append(out, res)
			if e.Open {
				lacks[key] = res
			}
		}
	}
	for _, one := range lacks {
		if ids := one.Tags["check"]; ids != "" {
			one.Message += "; not decided: " + ids
		}
	}
	for _, n := range r.Notices {
		out = append(out, &Result{Severity: Info, Message: report.Escape(n)})
	}
	c := r.Counts
	text := fmt.Sprintf("%s: %d deny, %d warn, %d undecided, %d pass, %d not asked", r.Word(), c.Deny, c.Warn, c.Open, c.Pass, c.NotAsked)
	if c.Excepted > 0 {
		text += fmt.Sprintf(", %d accepted", c.Excepted)
	}
	return append(out, &Result{Severity: Info, Message: report.Escape(text + "; policy " + r.Policy.Name)})
}

func (l *List) result(e report.Entry, p report.Place) *Result {
	res := &Result{Severity: severity(e), Message: report.Escape(message(e)), Tags: map[string]string{"decision": e.Decision.String(), "subject": report.Escape(e.Subject)}}
	if e.Check != "" {
		res.Tags["check"] = report.Escape(e.Check)
	}
	it, ok := l.at(p.Where, p.Line)
	if !p.InFile() || !ok {
		return res
	}
	if it.APIVersion != "" && it.Kind != "" && it.Name != "" { // all are required
		res.ResourceRef = &yaml.ResourceIdentifier{
			TypeMeta: yaml.TypeMeta{APIVersion: it.APIVersion, Kind: it.Kind}, NameMeta: yaml.NameMeta{Name: it.Name, Namespace: it.Namespace},
		}
	}
	if p.Path != "" {
		res.Field = &Field{Path: report.Escape(p.Path)}
		if !e.OfImage {
			res.Field.CurrentValue = report.Escape(e.Subject)
		}
	}
	if it.Path != "" {
		res.File = &File{Path: it.Path, Index: it.Index}
	}
	return res
}

func severity(e report.Entry) Severity {
	switch {
	case e.Accepted != "" || e.Moot != "":
		return Info
	case e.Decision == policy.Warn:
		return Warning
	}
	return Error
}

func message(e report.Entry) string {
	parts := []string{e.Message()}
	if !e.Open {
		parts[0] = e.Check + " " + parts[0]
	}
	if e.OfImage || e.Open {
		parts[0] = e.Subject + ": " + parts[0]
	}
	if e.Platform != "" {
		parts[0] += " (" + e.Platform + ")"
	}
	parts = append(parts, e.Finding.Lines...)
	for _, so := range e.Finding.Consequences {
		parts = append(parts, "so: "+so)
	}
	if e.Accepted != "" {
		parts = append(parts, "accepted: "+e.Accepted)
	}
	if e.Moot != "" {
		parts = append(parts, "moot: "+e.Moot)
	}
	if e.Finding.Fix != "" {
		parts = append(parts, "fix: "+e.Finding.Fix)
	}
	return strings.Join(parts, "; ")
}
