package policyreport

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// longest is how many bytes of a message are told; the report of the service has
// all.
const longest = 1000

// resultsOf are the results about the containers of a target, with those of the
// image that they run as the target sees them.
func resultsOf(r *report.Report, t *report.Target, images map[imageKey]*report.Image) []verdict {
	var out []verdict
	for _, res := range t.Results {
		if v, ok := told(*res, nil, nil); ok {
			out = append(out, of(v, t, ""))
		}
	}
	for _, r := range t.Verdict.Reasons {
		if r.Check == "" { // about the whole: nothing was examined
			out = append(out, of(failure("verdict", r.Why), t, ""))
		}
	}
	img := images[imageKey{string(t.Image), t.ImageName}]
	if img == nil || t.Image == "" {
		return out
	}
	for _, res := range img.Results {
		if v, ok := told(seenBy(*res, t), t.Moot, reasonFor(*res, t)); ok {
			out = append(out, of(v, t, string(img.ID)))
		}
	}
	return out
}

type imageKey struct{ id, name string }

func imagesOf(r *report.Report) map[imageKey]*report.Image {
	out := make(map[imageKey]*report.Image, len(r.Images))
	for i := range r.Images {
		out[imageKey{string(r.Images[i].ID), r.Images[i].Image}] = &r.Images[i]
	}
	return out
}

// of says what v is about.
func of(v verdict, t *report.Target, digest string) verdict {
	about := map[string]string{"container": t.Container, "image": t.Ref, "digest": digest}
	for _, name := range slices.Sorted(maps.Keys(about)) {
		v.set(name, about[name])
	}
	return v
}

// reasonFor is why a result about an image matters to t; nil = it does not.
func reasonFor(res report.Result, t *report.Target) *policy.Reason {
	var worst *policy.Reason
	for i, r := range t.Verdict.Reasons {
		if r.Check == res.Check && r.Platform == res.Platform && (worst == nil || policy.Worst(worst.Decision, r.Decision) != worst.Decision) {
			worst = &t.Verdict.Reasons[i]
		}
	}
	return worst
}

// seenBy is a result about an image as the policy judges it for t: the report has
// it as the first target sees that names the image. What gives t no reason is
// allowed, and if it is no pass it is off.
func seenBy(res report.Result, t *report.Target) report.Result {
	if res.Outcome == check.Pass || res.Outcome == check.NotApplicable {
		return res // a reason of the same check is one of the container
	}
	why := reasonFor(res, t)
	if why != nil {
		if res.Decision != why.Decision || res.Level == policy.LevelOff {
			res.Excepted, res.Accepted = 0, nil
			if res.Level = policy.LevelDeny; why.Decision == policy.Warn {
				res.Level = policy.LevelWarn
			}
		}
		res.Decision = why.Decision
		return res
	}
	if res.Decision = policy.Allow; res.Outcome == check.Fail || res.Outcome == check.Undecided {
		res.Level = policy.LevelOff
	}
	return res
}

// told is what is told of a result, if anything is: checks that are off and those
// that do not apply are not.
//
// What could not be decided is an error, which is the API's word for a policy that
// could not be evaluated, also where the policy only warns of it; it is never a
// pass, and no skip: nobody chose it.
func told(res report.Result, moot []report.Moot, why *policy.Reason) (verdict, bool) {
	if res.Level == policy.LevelOff || res.Outcome == check.NotApplicable {
		return verdict{}, false
	}
	v := verdict{Source: source, Policy: source, Rule: res.Check, Category: family(res.Check), Severity: severity(res.Level), Scored: res.Level == policy.LevelDeny}
	v.set("outcome", res.Outcome.String())
	v.set("platform", res.Platform)
	v.set("cause", string(res.Cause))
	v.set("partOf", res.PartOf)
	message, fix := words(res)
	switch {
	case res.Open(), res.Outcome == check.Undecided, why != nil && why.Why != "":
		v.Result, v.Message = resultError, cmp.Or(res.Why, message, "it could not be decided")
	case res.Outcome == check.Fail && res.Decision == policy.Deny:
		v.Result, v.Message = resultFail, message
		v.set("fix", fix)
	case res.Outcome == check.Fail && res.Decision == policy.Warn:
		v.Result, v.Message = resultWarn, message
		v.set("fix", fix)
		if i := slices.IndexFunc(moot, func(m report.Moot) bool { return m.Check == res.Check }); i >= 0 {
			v.Result, v.Message = resultSkip, "it does not matter here: "+moot[i].Why+": "+message
		}
	case res.Outcome == check.Fail:
		v.Result, v.Message = resultSkip, "accepted: "+message
		v.set("acceptedBy", by(res, why))
	case res.Outcome == check.Pass:
		v.Result = resultPass
	default: // not asked
		v.Result, v.Message = resultSkip, cmp.Or(res.Why, "nobody asked")
	}
	v.Message = short(v.Message)
	return v, true
}

// failure is a result about what could not be seen.
func failure(rule, why string) verdict {
	return verdict{Source: source, Policy: source, Rule: rule, Severity: severity(policy.LevelDeny), Scored: true, Result: resultError, Message: short(why)}
}

// set is for a property; "" is none.
func (v *verdict) set(name, value string) {
	if value == "" {
		return
	}
	if v.Properties == nil {
		v.Properties = map[string]string{}
	}
	v.Properties[name] = short(value)
}

// severity is what the policy makes of a check: checks themselves have none.
func severity(l policy.Level) string {
	if l == policy.LevelDeny {
		return "high"
	}
	return "medium"
}

// family is the letters that an ID begins with: "RUN".
func family(id string) string {
	return strings.TrimRight(id, "0123456789")
}

// words are the messages of what fails, and what mends the first of it.
func words(res report.Result) (message, fix string) {
	var all []string
	for i, f := range res.Findings {
		if f.Note || res.Decision != policy.Allow && res.AcceptedBy(i) != "" {
			continue
		}
		all = append(all, f.Message)
		fix = cmp.Or(fix, f.Fix)
	}
	return strings.Join(all, "; "), fix
}

func by(res report.Result, why *policy.Reason) string {
	var all []string
	for _, a := range res.Accepted {
		if !slices.Contains(all, a.By) {
			all = append(all, a.By)
		}
	}
	if why != nil && len(all) == 0 {
		all = append(all, why.Exception)
	}
	return cmp.Or(strings.Join(all, "; "), "an exception")
}

// short escapes outside text and cuts it.
func short(s string) string {
	s = report.Escape(s)
	if len(s) <= longest {
		return s
	}
	n := longest
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return fmt.Sprintf("%s… (%d more bytes)", s[:n], len(s)-n)
}

// order sorts results, so that the same ones are the same report, and drops those
// that say the same.
func order(all []verdict) []verdict {
	slices.SortFunc(all, compare)
	return slices.CompactFunc(all, func(a, b verdict) bool { return compare(a, b) == 0 })
}

func compare(a, b verdict) int {
	c := cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Result, b.Result), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Message, b.Message))
	if c != 0 {
		return c
	}
	return slices.CompareFunc(slices.Sorted(maps.Keys(a.Properties)), slices.Sorted(maps.Keys(b.Properties)), func(x, y string) int {
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.Properties[x], b.Properties[y]))
	})
}
