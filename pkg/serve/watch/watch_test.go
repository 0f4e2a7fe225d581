package watch

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// seen is a report of one container about which there are findings.
func seen(verdict policy.Decision, messages ...string) *report.Report {
	r := &report.Report{Schema: report.Schema, Verdict: verdict, Images: []report.Image{}}
	res := report.Result{Result: check.Result{Check: "RUN002", Outcome: check.Pass}, Decision: policy.Allow, Level: policy.LevelDeny}
	for _, m := range messages {
		res.Outcome, res.Decision = check.Fail, policy.Deny
		res.Findings = append(res.Findings, check.Finding{Message: m})
	}
	r.Targets = []report.Target{{
		Kind: ref.KindImage, Ref: "example.com/app:1", Container: "app", Results: []*report.Result{&res}, Verdict: policy.Verdict{Decision: verdict},
		Origins: report.OriginsOf(report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: "shop/Deployment/app"}}),
	}}
	return r
}

// unseen is seen with another container that could not be examined.
func unseen(verdict policy.Decision, messages ...string) *report.Report {
	r := seen(verdict, messages...)
	t := r.Targets[0]
	t.Ref, t.Results = "example.com/other:1", []*report.Result{{Result: check.Result{Check: "SIG001", Outcome: check.Undecided, Why: "no answer"}, Decision: policy.Undecided, Level: policy.LevelDeny}}
	t.Verdict = policy.Verdict{Decision: policy.Undecided, Reasons: []policy.Reason{{Check: "SIG001", Decision: policy.Undecided, Why: "no answer"}}}
	r.Targets = append(r.Targets, t)
	return r
}

func TestCompareWithLastTime(t *testing.T) {
	t.Parallel()
	run := &jobs.Run{Task: jobs.Task{Key: "prod"}, Generation: 7}
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	var one bytes.Buffer
	if err := report.WriteJSON(&one, seen(policy.Deny, "the tag has moved")); err != nil {
		t.Fatal(err)
	}
	var two bytes.Buffer
	if err := report.WriteJSON(&two, unseen(policy.Deny, "the tag has moved")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		before []byte
		now    *report.Report
		title  string // "" = nothing is told
		lines  int
	}{
		"the first time":                      {nil, seen(policy.Deny, "the tag has moved"), "for the first time", 1},
		"the same":                            {one.Bytes(), seen(policy.Deny, "the tag has moved"), "", 0},
		"one more":                            {one.Bytes(), seen(policy.Deny, "the tag has moved", "another thing"), "1 new findings", 1},
		"mended":                              {one.Bytes(), seen(policy.Allow), "allow, was deny", 0},
		"another one that cannot be examined": {one.Bytes(), unseen(policy.Deny, "the tag has moved"), "1 more undecided", 1},
		"it still cannot be":                  {two.Bytes(), unseen(policy.Deny, "the tag has moved"), "", 0},
		"first of all it cannot be":           {nil, unseen(policy.Deny, "the tag has moved"), "for the first time", 2},
		"not seen any more":                   {one.Bytes(), &report.Report{Schema: report.Schema, Verdict: policy.Undecided}, "undecided, was deny", 0},
	} {
		h, body, err := compare(run, at, tt.before, tt.now)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case (h == nil) != (tt.title == ""), h != nil && (!strings.Contains(h.Title, tt.title) || len(h.Lines) != tt.lines || h.ID != "watch prod 7"):
			t.Errorf("%s: told %+v", name, h)
		case len(body) == 0:
			t.Errorf("%s: no report is kept", name)
		}
	}
	if _, _, err := compare(run, at, []byte("{"), seen(policy.Allow)); err == nil {
		t.Error("a last report that is damaged passes")
	}
	if got := first(make([]string, 200)); len(got) != most+1 {
		t.Errorf("%d lines", len(got))
	}
}
