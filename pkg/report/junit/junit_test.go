package junit_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/junit"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What a reader of JUnit files sees, by names of its own.
type document struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Suites   []struct {
		Name                             string `xml:"name,attr"`
		Tests, Failures, Errors, Skipped int    `xml:"-"`
		Cases                            []struct {
			Name    string    `xml:"name,attr"`
			File    string    `xml:"file,attr"`
			Line    int       `xml:"line,attr"`
			Error   *struct{} `xml:"error"`
			Failure *struct{} `xml:"failure"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
			Output string `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func written(t *testing.T, r *report.Report) (string, document) {
	t.Helper()
	var b bytes.Buffer
	if err := junit.Write(&b, r, reporttest.Titles()); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return b.String(), doc
}

func TestCases(t *testing.T) {
	t.Parallel()
	_, doc := written(t, reporttest.Files())
	var got []string
	for _, s := range doc.Suites {
		got = append(got, s.Name)
		for _, c := range s.Cases {
			line := "  " + c.Name + ": "
			switch {
			case c.Error != nil:
				line += "error"
			case c.Failure != nil:
				line += "failure"
			case c.Skipped != nil:
				line += "skipped, " + c.Skipped.Message
			default:
				line += "passed"
			}
			if c.File != "" {
				line += fmt.Sprintf(" at %s:%d", c.File, c.Line)
			}
			if c.Output != "" {
				line += " | " + strings.SplitN(c.Output, "\n", 2)[0]
			}
			got = append(got, line)
		}
	}
	want := []string{
		"$(params.image) in deploy/task.yaml",
		`  REF001 no digest: skipped, undecided (unsupported): "$(params.image)" is not resolved: a parameter at deploy/task.yaml:5`,
		"  TAG001: error at deploy/task.yaml:5",
		"deploy/broken.yaml:4 in deploy/broken.yaml",
		"  DIG001 bytes do not hash to the digest they were asked for by: error at deploy/broken.yaml:4",
		"  REF001 no digest: error at deploy/broken.yaml:4",
		"docker.io/library/busybox in deploy/a b%2:c.yaml",
		`  REF002: skipped, accepted: 1 of 1 findings at deploy/a b%2:c.yaml:3 | "docker.io/library/busybox" has no tag (accepted: comment in the file: a toy)`,
		"ghcr.io/acme/api:1.4.2 [api] in deploy/dev/api.yaml",
		`  REF001 no digest: passed at deploy/dev/api.yaml:17 | warning: "ghcr.io/acme/api:1.4.2" has no digest`,
		"  TAG001: passed at deploy/dev/api.yaml:17",
		"ghcr.io/acme/api:1.4.2 [api] in deploy/prod/api.yaml",
		"  REF001 no digest: failure at deploy/prod/api.yaml:21",
		"ghcr.io/acme/none:1 in deploy/none.yaml",
		"  examined: error",
		"ghcr.io/acme/web:2 [web] in prod/shop/Deployment/web",
		"  RUN002: passed | warning: the tag now means " + string(reporttest.IDB),
		"pods in namespace pay",
		"  RUN001: skipped, undecided (forbidden): 403 Forbidden",
		"ghcr.io/acme/api@" + string(reporttest.IDA),
		"  DIG001 bytes do not hash to the digest they were asked for by: passed at deploy/dev/api.yaml:17",
		"  LAY002 code the image's user can change (linux/amd64): failure at deploy/dev/api.yaml:17",
		"  LAY005: passed at deploy/dev/api.yaml:17 | warning: the user is root",
		"  SIG001 image is not signed as required: error at deploy/dev/api.yaml:17",
		"verdict",
		"  verdict: failure",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if doc.Tests != 16 || doc.Failures != 3 || doc.Errors != 5 || doc.Skipped != 3 {
		t.Errorf("%d tests, %d failures, %d errors, %d skipped", doc.Tests, doc.Failures, doc.Errors, doc.Skipped)
	}
}

// No verdict but allow and warn ever gives a file without a failure or an error.
func TestNoVerdictIsLost(t *testing.T) {
	t.Parallel()
	for _, d := range []policy.Decision{policy.Undecided, policy.Deny, policy.Warn, policy.Allow, policy.Decision(77)} {
		_, doc := written(t, &report.Report{Verdict: d})
		bad := doc.Failures + doc.Errors
		if want := 1; (d == policy.Warn || d == policy.Allow) == (bad == want) {
			t.Errorf("%s: %d failures, %d errors", d, doc.Failures, doc.Errors)
		}
	}
	for _, o := range []check.Outcome{check.Undecided, check.Fail, 77} {
		r := reporttest.Files()
		r.Targets = r.Targets[:1]
		r.Targets[0].Results = []*report.Result{{Result: check.Result{Check: "REF001", Outcome: o}, Level: policy.LevelDeny}}
		if _, doc := written(t, r); doc.Suites[0].Cases[0].Error == nil {
			t.Errorf("%s without a decision is no error", o)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got, _ := written(t, reporttest.Rich())
	file := filepath.Join("testdata", "rich.xml")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-update rewrites it): %s", file, d)
	}
}

func TestEveryStringIsEscaped(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Rich(), reporttest.Files()} {
		reporttest.Poison(r, "Kind", "Level")
		r.Notices = append(r.Notices, `]]></system-out><testcase name="x"/>`)
		text, doc := written(t, r)
		for _, c := range text {
			if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%U in the file", c)
			}
		}
		for _, s := range doc.Suites {
			for _, c := range s.Cases {
				if c.Name == "x" {
					t.Error("a case was put in")
				}
			}
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := junit.Write(full{}, reporttest.Rich(), nil); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
