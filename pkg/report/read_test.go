package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

func written(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A report that was read is written as the one that it was.
func TestWhatIsReadIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Report{"rich": reporttest.Rich(), "files": reporttest.Files()} {
		b := written(t, r)
		got, err := report.Read(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(string(b), string(written(t, got))); d != "" {
			t.Errorf("%s: JSON: %s", name, d)
		}
		text := func(r *report.Report) string {
			var b bytes.Buffer
			r.Elapsed = 0
			if err := (report.Text{Verbose: true, Titles: reporttest.Titles()}).Write(&b, r); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		if d := cmp.Diff(text(r), text(got)); d != "" {
			t.Errorf("%s: text: %s", name, d)
		}
	}
}

const small = `{"schema":"intact.report/v1","verdict":"allow","images":[{"id":"sha256:1","image":"a@sha256:1"}],"targets":[{"ref":"a","image":"sha256:1","imageName":"a@sha256:1","verdict":{"decision":"allow"}}]}`

func TestReportsThatAreNotRead(t *testing.T) {
	t.Parallel()
	if _, err := report.Read([]byte(small)); err != nil {
		t.Fatal(err)
	}
	// What has no verdict refuses.
	if r, err := report.Read([]byte(strings.Replace(small, `"verdict":"allow",`, "", 1))); err != nil || !r.Verdict.Refuses() {
		t.Errorf("no verdict: %+v %v", r, err)
	}
	for _, tt := range []struct{ change, to, says string }{
		{"report/v1", "report/v2", "its schema"},
		{`"decision":"allow"`, `"decision":"deny"`, `verdict is "allow"`},
		{`"decision":"allow"`, `"decision":"fine"`, "parse decision"},
		{`"verdict":{"decision":"allow"}`, `"verdict":{}`, `that of a target "undecided"`},
		{`"imageName":"a@sha256:1"`, `"imageName":"b@sha256:1"`, "which is not there"},
		{`"image":"sha256:1"`, `"image":"sha256:2"`, "which is not there"},
		{`"ref":"a"`, `"ref":"a","results":[{"outcome":"pass"}]`, "of no check"},
		{`"ref":"a"`, `"ref":"a","results":[null]`, "of no check"},
		{`"ref":"a"`, `"ref":"a","results":[{"check":"X","outcome":"good"}]`, "parse outcome"},
		{`"images":[`, `"im":[`, "no images"},
		{`"targets":[`, `"ta":[`, "no targets"},
		{`{"schema"`, `[{"schema"`, "read report"},
		{small, "", "read report"},
	} {
		_, err := report.Read([]byte(strings.Replace(small, tt.change, tt.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.to, err)
		}
	}
}

func one(name string, n int, d policy.Decision) *report.Report {
	id := reporttest.IDA
	return &report.Report{
		Schema: report.Schema, Policy: report.Policy{Name: "p", Digest: "sha256:0"}, Verdict: d,
		Counts: report.Counts{Pass: 1, Deny: 9},
		Images: []report.Image{{ID: id, Image: "acme/app@" + string(id), Results: []*report.Result{
			reporttest.Result("DIG001", check.Pass, policy.LevelDeny, policy.Allow, nil),
		}}},
		Targets: []report.Target{{Ref: name, Image: id, Verdict: policy.Verdict{Decision: d}, Results: []*report.Result{
			reporttest.Result("REF001", check.Fail, policy.LevelWarn, policy.Warn, nil),
		}}},
		Notices: []string{fmt.Sprintf("notice %d", n), "of all"},
	}
}

// Several reports are one, as if one run had made it.
func TestMerge(t *testing.T) {
	t.Parallel()
	got, err := report.Merge(one("b", 1, policy.Allow), one("a", 2, policy.Undecided), one("c", 3, policy.Warn))
	if err != nil {
		t.Fatal(err)
	}
	want := report.Counts{Pass: 1, Fail: 3, Warn: 3} // the image is one
	if got.Counts != want || len(got.Images) != 1 || len(got.Targets) != 3 || got.Targets[0].Ref != "a" || got.Verdict != policy.Undecided ||
		strings.Join(got.Notices, ", ") != "notice 1, notice 2, notice 3, of all" {
		t.Errorf("%+v", got)
	}
	other := one("b", 1, policy.Allow)
	other.Policy.Digest = "sha256:1"
	if _, err := report.Merge(one("a", 1, policy.Allow), other); err == nil || !strings.Contains(err.Error(), "policy changed") {
		t.Errorf("two policies: %v", err)
	}
	if _, err := report.Merge(); err == nil {
		t.Error("nothing is a report")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add(written(f, reporttest.Rich()))
	f.Add(written(f, reporttest.Files()))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := report.Read(b)
		if err != nil {
			return
		}
		if err := (report.Text{Verbose: true}).Write(io.Discard, r); err != nil {
			t.Error(err)
		}
		if err := report.WriteJSON(io.Discard, r); err != nil {
			t.Error(err)
		}
	})
}
