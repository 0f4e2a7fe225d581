package watch

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// told are the findings of r that old has not, each with what it is about. What
// could not be decided is told with its reason.
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
