package gitlab_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/gitlab"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

// An issue has the fields that GitLab asks for, by names of the test's own.
type issue struct {
	Description string
	Check       string `json:"check_name"`
	Fingerprint string
	Severity    string
	Location    struct {
		Path  string
		Lines struct{ Begin int }
	}
}

func written(t *testing.T, r *report.Report) (string, []issue) {
	t.Helper()
	var b bytes.Buffer
	if err := gitlab.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	var issues []issue
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&issues); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, i := range issues {
		if i.Fingerprint == "" || names[i.Fingerprint] || i.Description == "" || i.Check == "" || i.Location.Lines.Begin < 1 {
			t.Errorf("incomplete, or its fingerprint is not its own: %+v", i)
		}
		names[i.Fingerprint] = true
		if p := i.Location.Path; p == "" || path.IsAbs(p) || path.Clean(p) != p || strings.HasPrefix(p, "..") {
			t.Errorf("path %q", p)
		}
		switch i.Severity {
		case "info", "minor", "major", "critical", "blocker":
		default:
			t.Errorf("severity %q", i.Severity)
		}
	}
	return b.String(), issues
}

func TestIssues(t *testing.T) {
	t.Parallel()
	_, issues := written(t, reporttest.Files())
	var got []string
	for _, i := range issues {
		got = append(got, fmt.Sprintf("%s %s %s:%d %s", i.Severity, i.Check, i.Location.Path, i.Location.Lines.Begin, i.Description))
	}
	image := "ghcr.io/acme/api@" + string(reporttest.IDA) + ": "
	fix := "; so: what the tag means can change; fix: write ghcr.io/acme/api:1.4.2@" + string(reporttest.IDA)
	want := []string{
		"critical LAY002 deploy/dev/api.yaml:17 " + image + "/app/run, layer 2: COPY . /app (linux/amd64); fix: COPY --chown=root . /app",
		"critical LAY002 deploy/dev/api.yaml:17 " + image + "/srv/run, layer 3: COPY . /srv (linux/amd64); fix: COPY --chown=root . /srv",
		`critical REF001 deploy/prod/api.yaml:21 "ghcr.io/acme/api:1.4.2" has no digest` + fix,
		"major EXAMINED deploy/none.yaml:1 ghcr.io/acme/none:1: not examined (not gathered): nothing was examined",
		"major DIG001 deploy/broken.yaml:4 deploy/broken.yaml:4: not examined (unsupported): did not find expected node content",
		"major REF001 deploy/broken.yaml:4 deploy/broken.yaml:4: not examined (unsupported): did not find expected node content",
		"major SIG001 deploy/dev/api.yaml:17 " + image + "not examined (network): list signatures: connection refused",
		`major TAG001 deploy/task.yaml:5 not examined (unsupported): "$(params.image)" is not resolved: a parameter`,
		`info REF001 deploy/task.yaml:5 not examined (unsupported): "$(params.image)" is not resolved: a parameter`,
		"info RUN001 pods in namespace pay:1 pods in namespace pay: not examined (forbidden): 403 Forbidden",
		"info LAY005 deploy/dev/api.yaml:17 " + image + "the user is root; moot: it runs as 1000",
		`minor REF001 deploy/dev/api.yaml:17 "ghcr.io/acme/api:1.4.2" has no digest` + fix,
		`minor REF001 deploy/dev/job.yaml:9 "ghcr.io/acme/api:1.4.2" has no digest` + fix,
		"minor RUN002 prod/shop/Deployment/web:1 ghcr.io/acme/web:2: the tag now means " + string(reporttest.IDB) + "; 2 pods run " + string(reporttest.IDA) + "; fix: deploy by digest",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNothingToTellIsAnEmptyList(t *testing.T) {
	t.Parallel()
	if text, _ := written(t, &report.Report{}); text != "[]\n" {
		t.Errorf("%q", text)
	}
}

func TestEveryStringIsEscaped(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Rich(), reporttest.Files()} {
		reporttest.Poison(r, "Kind", "Level")
		for i := range r.Targets {
			reporttest.EditOrigins(&r.Targets[i].Origins, func(o *report.Origin) { o.Where = "/../../" + o.Where })
		}
		text, _ := written(t, r)
		for _, c := range text {
			if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%U in the file", c)
			}
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := gitlab.Write(full{}, reporttest.Rich()); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
