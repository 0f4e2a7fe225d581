package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// told are the findings of r that old has not, each with what it is about.
func told(r *report.Report, old *report.Baseline) []string {
	var out []string
	add := func(key, subject string, results []*report.Result) {
		for _, res := range results {
			if res.Level == policy.LevelOff || res.PartOf != "" || res.Outcome != check.Fail {
				continue
			}
			for _, f := range res.Findings {
				if f.Note || old != nil && old.Known(key, res.Check, f) {
					continue
				}
				out = append(out, fmt.Sprintf("%s %s %s: %s", res.Decision, res.Check, subject, f.Message))
			}
		}
	}
	images := map[string]string{} // key of a target that has the image, by the image
	for _, t := range r.Targets {
		key := report.Key(t)
		add(key, subjectOf(t), t.Results)
		if t.ImageName != "" && images[t.ImageName] == "" {
			images[t.ImageName] = key
		}
	}
	for _, img := range r.Images {
		add(images[img.Image], img.Image, img.Results)
	}
	return out
}

// open are the targets of r that are undecided and were not before, each with its
// reason: in a place that is denied already nothing else tells of them.
func open(r *report.Report, before map[string]bool) []string {
	var out []string
	for _, t := range r.Targets {
		known := t.Verdict.Decision != policy.Undecided
		if !known {
			known = !slices.ContainsFunc(placed(t), func(place string) bool { return !before[place] })
		}
		if !known {
			out = append(out, fmt.Sprintf("%s %s: %s", policy.Undecided, subjectOf(t), whyOf(t)))
		}
	}
	return out
}

func whyOf(t report.Target) string {
	if t.Error != "" {
		return t.Error
	}
	for _, r := range t.Verdict.Reasons {
		if r.Decision == policy.Undecided {
			return strings.TrimSpace(r.Check + " " + r.Why)
		}
	}
	return "see the report"
}

// placed are the names of t in each of its places.
func placed(t report.Target) []string {
	all := t.Origins
	t.Origins = report.Origins{}
	key := report.Key(t)
	var out []string
	for o := range all.All() {
		out = append(out, key+"\x00"+o.Where)
	}
	if len(out) == 0 {
		return []string{key}
	}
	return out
}

// A former is what counts of the last report beside its findings.
type former struct {
	verdict   policy.Decision
	undecided map[string]bool // by the names of targets in their places
}

func formerOf(body []byte) (former, error) {
	var r struct {
		Verdict policy.Decision `json:"verdict"`
		Targets []struct {
			Kind      ref.Kind       `json:"kind"`
			Ref       string         `json:"ref"`
			Container string         `json:"container"`
			Origins   report.Origins `json:"origins"`
			Verdict   struct {
				Decision policy.Decision `json:"decision"`
			} `json:"verdict"`
		} `json:"targets"`
	}
	err := json.Unmarshal(body, &r)
	out := former{verdict: r.Verdict, undecided: map[string]bool{}}
	for _, t := range r.Targets {
		if t.Verdict.Decision != policy.Undecided {
			continue
		}
		for _, place := range placed(report.Target{Kind: t.Kind, Ref: t.Ref, Container: t.Container, Origins: t.Origins}) {
			out.undecided[place] = true
		}
	}
	return out, err
}

// most lines that are told; the report has all.
const most = 50

func first(lines []string) []string {
	if len(lines) <= most {
		return lines
	}
	return append(lines[:most:most], fmt.Sprintf("and %d more: see the report", len(lines)-most))
}

func subjectOf(t report.Target) string {
	for o := range t.Origins.All() {
		if o.Where != "" {
			return o.Where + " " + t.Ref
		}
		break
	}
	return t.Ref
}
