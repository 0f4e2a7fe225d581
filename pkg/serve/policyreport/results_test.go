package policyreport_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
)

type reportResult = report.Result

// What became of one check of a container.
func TestResultsOfAContainer(t *testing.T) {
	t.Parallel()
	with := func(r report.Result, change func(*report.Result)) report.Result {
		change(&r)
		return r
	}
	accept := func(r *report.Result) {
		r.Decision, r.Excepted, r.Accepted = policy.Allow, 1, []report.Accepted{{By: "exception x"}}
	}
	off := func(r *report.Result) { r.Level, r.Decision = policy.LevelOff, policy.Allow }
	undecided := result("A", check.Undecided, policy.Undecided)
	for name, tt := range map[string]struct {
		result    report.Result
		want      string // "" = it is not told
		says, key string
	}{
		"passes":             {passes, "pass", "", ""},
		"denied":             {fails, "fail", "the tag has moved", "fix"},
		"warned":             {result("A", check.Fail, policy.Warn, "a", "b"), "warn", "a; b", "fix"},
		"undecided":          {undecided, "error", "no answer", "cause"},
		"accepted undecided": {with(undecided, func(r *report.Result) { r.Decision = policy.Warn }), "error", "no answer", "cause"},
		"undecided, allowed": {with(undecided, func(r *report.Result) { r.Decision = policy.Allow }), "error", "no answer", "cause"},
		"accepted":           {with(fails, accept), "skip", "accepted: the tag has moved", "acceptedBy"},
		"accepted in part": {with(fails, func(r *report.Result) {
			accept(r)
			r.Decision, r.Why = policy.Undecided, "two layers were not read"
		}), "error", "two layers were not read", "outcome"},
		"not asked":           {with(result("A", check.NotAsked, policy.Allow), func(r *report.Result) { r.Why = "depth reference" }), "skip", "depth reference", "outcome"},
		"not asked, and must": {with(result("A", check.NotAsked, policy.Undecided), func(r *report.Result) { r.Why = "it was switched off" }), "error", "switched off", "outcome"},
		"does not apply":      {result("A", check.NotApplicable, policy.Allow), "", "", ""},
		"off, fails":          {with(fails, off), "", "", ""},
		"off, undecided":      {with(undecided, off), "", "", ""},
		"hostile words":       {result("A", check.Fail, policy.Deny, "a\u202eb\n"+strings.Repeat("ü", 999)), "fail", `a\u202eb\nü`, "fix"},
	} {
		c := newCluster(t)
		c.deployment("shop", "cart", tt.result)
		c.wrote(name, policyreport.Counts{Written: 1})
		got := c.reports.object(cart)
		if tt.want == "" {
			if len(got.Results) != 0 {
				t.Errorf("%s: %+v", name, got.Results)
			}
			continue
		}
		if len(got.Results) != 1 {
			t.Fatalf("%s: %+v", name, got.Results)
		}
		r := got.Results[0]
		if r.Result != tt.want || !strings.Contains(r.Message, tt.says) || got.Summary[tt.want] != 1 || tt.key != "" && r.Properties[tt.key] == "" || len(r.Message) > 1100 {
			t.Errorf("%s: %+v, %v", name, r, got.Summary)
		}
	}
}

// What an image is like is told as each workload that runs it sees it.
func TestResultsOfAnImage(t *testing.T) {
	t.Parallel()
	reason := func(d policy.Decision, change ...func(*policy.Reason)) []policy.Reason {
		r := policy.Reason{Check: "LAY001", Platform: "linux/amd64", Decision: d}
		for _, f := range change {
			f(&r)
		}
		return []policy.Reason{{Check: "LAY001", Platform: "linux/arm64", Decision: policy.Deny}, r}
	}
	of := func(o check.Outcome, d policy.Decision) report.Result {
		r := result("LAY001", o, d, "setuid")
		r.Platform = "linux/amd64"
		return r
	}
	for name, tt := range map[string]struct {
		image   report.Result // as the first target sees it
		reasons []policy.Reason
		moot    bool
		want    string
	}{
		"passes, though another check of the name fails": {of(check.Pass, policy.Allow), reason(policy.Deny), false, "pass"},
		"denied there and here":                          {of(check.Fail, policy.Deny), reason(policy.Deny), false, "fail"},
		"warned there, denied here":                      {of(check.Fail, policy.Warn), reason(policy.Deny), false, "fail"},
		"denied there, warned here":                      {of(check.Fail, policy.Deny), reason(policy.Warn), false, "warn"},
		"off there, denied here": {func() report.Result { r := of(check.Fail, policy.Allow); r.Level = policy.LevelOff; return r }(),
			reason(policy.Deny), false, "fail"},
		"denied there, off here":   {of(check.Fail, policy.Deny), nil, false, ""},
		"undecided":                {of(check.Undecided, policy.Undecided), reason(policy.Undecided), false, "error"},
		"undecided, warned":        {of(check.Undecided, policy.Undecided), reason(policy.Warn), false, "error"},
		"accepted there, not here": {func() report.Result { r := of(check.Fail, policy.Allow); r.Excepted = 1; return r }(), reason(policy.Deny), false, "fail"},
		"accepted here":            {of(check.Fail, policy.Deny), reason(policy.Allow, func(r *policy.Reason) { r.Exception = "x" }), false, "skip"},
		"accepted in part":         {of(check.Fail, policy.Deny), reason(policy.Warn, func(r *policy.Reason) { r.Why = "not all was read" }), false, "error"},
		"does not matter":          {of(check.Fail, policy.Warn), reason(policy.Warn), true, "skip"},
		"matters anyhow":           {of(check.Fail, policy.Deny), reason(policy.Deny), true, "fail"},
	} {
		c := newCluster(t)
		target := c.deployment("shop", "cart")
		target.Image, target.ImageName = "sha256:ab", "example.com/app@sha256:ab"
		target.Verdict.Reasons = tt.reasons
		if tt.moot {
			target.Moot = []report.Moot{{Check: "LAY001", Why: "it may gain no privileges"}}
		}
		c.report.Images = []report.Image{{ID: "sha256:cd", Image: "example.com/other@sha256:cd", Results: []*report.Result{&fails}},
			{ID: "sha256:ab", Image: "example.com/app@sha256:ab", Results: []*report.Result{&tt.image}}}
		c.wrote(name, policyreport.Counts{Written: 1})
		got := ""
		for _, r := range c.reports.object(cart).Results {
			got += r.Result
			if r.Properties["digest"] != "sha256:ab" || r.Properties["platform"] != "linux/amd64" {
				t.Errorf("%s: %v", name, r.Properties)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A verdict about nothing at all is told.
func TestNothingWasExamined(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	target := c.deployment("shop", "cart")
	target.Error, target.Cause = "no such image", fact.NotFound
	target.Verdict.Reasons = []policy.Reason{{Decision: policy.Undecided, Why: "nothing was examined"}}
	c.wrote("nothing", policyreport.Counts{Written: 1})
	if r := c.reports.object(cart).Results; len(r) != 1 || r[0].Result != "error" || r[0].Message != "nothing was examined" {
		t.Errorf("%+v", r)
	}
}
