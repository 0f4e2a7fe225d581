package policytest_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/policytest"
	"github.com/intact-dev/intact/policies"
)

// Two checks of the same shape as the real ones.
func checks(policy.Subject, time.Time) []check.Check {
	return []check.Check{
		{
			ID: "REF001", Scopes: []check.Scope{check.ScopeReference}, Needs: []fact.Kind{fact.KReference},
			Run: func(s *fact.Set) check.Answer {
				if s.Reference.V.Ref.Digest == "" {
					return check.Answer{Findings: []check.Finding{{Message: "no digest"}}}
				}
				return check.Answer{}
			},
		},
		{
			ID: "LAY005", Scopes: []check.Scope{check.ScopePlatform}, Needs: []fact.Kind{fact.KUser},
			Run: func(s *fact.Set) check.Answer {
				if s.User.V.UID == 0 {
					return check.Answer{Findings: []check.Finding{{Message: "root"}}}
				}
				return check.Answer{}
			},
		},
	}
}

const own = `schema: intact.policy/v1
name: p
extends: baseline
checks: {REF001: deny}
rules:
  - {id: ACMEBASE001, title: older than 90 days, decision: deny, fail: 'config.created < now - duration("2160h")'}
exceptions:
  - {check: REF001, images: [ghcr.io/acme/legacy], reason: r, expires: 2026-12-31}
`

const (
	reference = "-- reference.json --\n" + `{"reference": {"state": "known", "value": {"ref": {"name": "ghcr.io/acme/NAME", "tag": "1"}}}}` + "\n"
	platform  = "-- platform/linux/amd64.json --\n" + `{"image": {"state": "known", "value": {"class": "image"}}, "user": {"state": "known", "value": {"spec": "app", "uid": 7}}, "config": {"state": "known", "value": {"created": "2026-10-01T00:00:00Z"}}}` + "\n"
)

func TestRun(t *testing.T) {
	t.Parallel()
	l := policy.Loader{Embedded: policies.Files, ReadFile: func(string) ([]byte, error) { return []byte(own), nil }}
	p, err := policy.Load(l, "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	api, legacy := strings.Replace(reference, "NAME", "api", 1), strings.Replace(reference, "NAME", "legacy", 1)
	want := func(s string) string { return "-- case.yaml --\nwant: {" + s + "}\n" }
	rows := []struct {
		name, text string
		problems   []string
		err        string
	}{
		{name: "denied", text: want("decision: deny, reasons: [REF001 deny]") + api + platform},
		{name: "denied, any reasons", text: want("decision: deny") + api + platform},
		{name: "excepted", text: want("decision: allow, reasons: [REF001 allow]") + legacy + platform},
		{name: "exception expired", text: "-- case.yaml --\nnow: 2027-01-01\nwant: {decision: deny, reasons: [REF001 deny, ACMEBASE001 deny]}\n" + legacy + platform},
		{name: "own rule", text: "-- case.yaml --\nnow: 2026-12-31\nwant: {decision: deny, reasons: [REF001 allow, ACMEBASE001 deny]}\n" + legacy + platform},
		{name: "another subject", text: "-- case.yaml --\nsubject: {image: ghcr.io/acme/legacy}\nwant: {decision: allow}\n" + api},
		{name: "fact that is missing", text: want("decision: undecided") + legacy + "-- platform/linux/arm64.json --\n{}\n"},
		{
			name: "wrong", text: want("decision: allow, reasons: [LAY005 warn]") + api + platform,
			problems: []string{"decision: got deny, want allow", "reason wanted and not there: LAY005 warn", "reason not wanted: REF001 deny (p: REF001 deny)"},
		},
		{name: "no reasons wanted", text: want("decision: deny, reasons: []") + api, problems: []string{"reason not wanted: REF001 deny (p: REF001 deny)"}},
		{name: "no facts", text: want("decision: allow"), err: "there are no facts"},
		{name: "no case", text: api, err: "there is no case.yaml"},
		{name: "unknown key", text: want("decison: allow") + api, err: `no.txtar#case.yaml:1:8: unknown key "decison"; did you mean "decision"?`},
		{name: "bad reason", text: want("decision: deny, reasons: [REF001]") + api, err: `"REF001"; expected the form`},
		{name: "unknown file", text: want("decision: deny") + "-- facts.json --\n{}\n", err: "unknown file"},
		{name: "unknown fact", text: want("decision: deny") + "-- image.json --\n{\"imag\": 1}\n", err: `unknown field "imag"`},
		{name: "two documents", text: want("decision: deny") + "-- image.json --\n{} {}\n", err: "there is more after"},
		{name: "file twice", text: want("decision: deny") + api + api, err: `"reference.json" is there twice`},
	}
	for _, row := range rows {
		fsys := fstest.MapFS{"sub/no.txtar": {Data: []byte(row.text)}, "README.md": {Data: []byte("x")}}
		got, err := policytest.Run(fsys, policytest.Options{Policy: p, Checks: checks, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
		if err != nil || len(got) != 1 || got[0].Name != "sub/no.txtar" {
			t.Fatalf("%s: %v, %v", row.name, got, err)
		}
		r := got[0]
		if row.err != "" {
			if r.Err == nil || !strings.Contains(r.Err.Error(), row.err) || r.OK() {
				t.Errorf("%s: %v, want %s", row.name, r.Err, row.err)
			}
			continue
		}
		if r.Err != nil || r.OK() != (row.problems == nil) {
			t.Errorf("%s: %v", row.name, r.Err)
		}
		if diff := cmp.Diff(row.problems, r.Problems); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
	if _, err := policytest.Run(fstest.MapFS{"x.yaml": {}}, policytest.Options{Policy: p, Checks: checks}); err == nil {
		t.Error("a folder without cases holds")
	}
}
