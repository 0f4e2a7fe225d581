package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan/scantest"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

const (
	writerToken = "canary-writer-0123456789abcdef0123456789"
	readerToken = "canary-reader-0123456789abcdef0123456789"
)

// A served is the real command intact serve in this process, and a registry.
type served struct {
	t        *testing.T
	registry *scantest.Registry
	url      string
	env      map[string]string
}

// A lines is a log that can be waited for.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newServed(t *testing.T) *served {
	t.Helper()
	s := &served{t: t, registry: scantest.NewRegistry(t), env: map[string]string{serverToken: writerToken}}
	dir := t.TempDir()
	config := fmt.Sprintf(`schema: intact.config/v1
ledger: {sqlite: %[1]s/ledger.db}
serve:
  endpoints: [{name: local, kind: distribution, registry: %[2]q, repositories: ["%[2]s/acme/**"], auth: {type: bearer, secretEnv: HOOK}}]
  api: {tokens: [{name: ci, role: writer, tokenEnv: WRITER}, {name: board, role: reader, tokenEnv: READER}]}
`, dir, s.registry.Host)
	// The server's own rule is one that nobody here knows.
	rules := "schema: intact.policy/v1\nname: served\nextends: baseline@1\nchecks: {TAG: deny}\nrules:\n" +
		"  - {id: ACMEUSER001, title: runs as root, decision: warn, fail: 'config.user == \"\"'}\n"
	for name, text := range map[string]string{"config.yaml": config, "policy.yaml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"HOOK": writerToken, "WRITER": writerToken, "READER": readerToken}
	log, ended := &lines{}, make(chan int, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		ended <- run(ctx, program{args: []string{"intact", "serve", "--init", "--config", filepath.Join(dir, "config.yaml"), "--policy", filepath.Join(dir, "policy.yaml"),
			"--listen", "127.0.0.1:0", "--no-cache", "--depth", "manifest"}, env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			stdin: strings.NewReader(""), stdout: io.Discard, stderr: log})
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 || strings.Contains(log.String(), "canary") {
			t.Errorf("the server ended with %d:\n%s", code, log)
		}
	})
	for range 1000 {
		for line := range strings.Lines(log.String()) {
			var l struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "serving" {
				s.url = "http://" + l.Address
				return s
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("the server does not start:\n%s", log)
	return nil
}

// scan runs intact scan --server with more arguments.
func (s *served) scan(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	all := append([]string{"intact", "scan"}, args...)
	if !slices.Contains(args, "--server") {
		all = append(all, "--server", s.url)
	}
	code = run(s.t.Context(), program{args: all,
		env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	if strings.Contains(out.String()+errs.String(), "canary") {
		s.t.Errorf("a secret is printed:\n%s%s", out.String(), errs.String())
	}
	return code, out.String(), errs.String()
}

func TestScanByAServer(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	one := s.registry.Push("acme/app", "1.0.0", "one")
	app := s.registry.Host + "/acme/app"

	code, out, errs := s.scan(app + ":1.0.0")
	if code != 0 || !strings.Contains(out, "ALLOWED") || !strings.Contains(out, string(one)) || !strings.Contains(out, "ACMEUSER001") || !strings.Contains(out, "served") || errs != "" {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	// A fixed tag that moved is the server's to know.
	two := s.registry.Push("acme/app", "1.0.0", "two")
	code, out, errs = s.scan("--format", "json", app+":1.0.0")
	r, err := report.Read([]byte(out))
	if code != 1 || err != nil || r.Verdict != policy.Deny || r.Images[0].ID != two {
		t.Errorf("%d %v\n%s\n%s", code, err, out, errs)
	}
	// Again: the report is of this run, though nothing is new.
	if code, again, errs := s.scan("--format", "json", app+":1.0.0"); code != 1 || again != out {
		t.Errorf("%d\n%s", code, errs)
	}
	// What is named by its digest stays allowed; of two images one report is made.
	code, out, errs = s.scan("--format", "json", app+"@"+string(one), app+":1.0.0@"+string(two))
	r, err = report.Read([]byte(out))
	if code != 0 || err != nil || len(r.Targets) != 2 || len(r.Images) != 2 || r.Counts.Pass == 0 {
		t.Errorf("%d %v\n%s\n%s", code, err, out, errs)
	}
	for format, says := range map[string]string{"sarif": "ACMEUSER001", "junit": "<testsuites", "markdown": "ACMEUSER001", "gitlab": "[", "github": "::"} {
		if code, out, errs := s.scan("--format", format, app+":1.0.0"); code != 1 || !strings.Contains(out, says) {
			t.Errorf("%s: %d\n%s\n%s", format, code, out, errs)
		}
	}
}

// An image that the server did not judge is in every report, and in none a pass.
func TestWhatAServerDoesNotJudgeIsInEveryReport(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.registry.Push("acme/app", "1.0.0", "one")
	app, none := s.registry.Host+"/acme/app:1.0.0", s.registry.Host+"/acme/app:none"
	for _, images := range [][]string{{app, none}, {none}} {
		for format, says := range map[string]string{
			"text": "UNDECIDED", "json": `"verdict": "undecided"`, "sarif": `"executionSuccessful": false`, "junit": "<error", "markdown": "undecided",
			"gitlab": "not judged by the server", "github": "not judged by the server",
		} {
			code, out, errs := s.scan(append([]string{"--format", format}, images...)...)
			if code != 3 || !strings.Contains(out, says) || !strings.Contains(out, "acme/app:none") || !strings.Contains(errs, "look at the name and the tag") {
				t.Errorf("%s of %d images: %d\n%s\n%s", format, len(images), code, out, errs)
			}
		}
	}
	s.url = "http://127.0.0.1:1"
	code, out, errs := s.scan("--format", "json", app)
	if r, err := report.Read([]byte(out)); code != 3 || err != nil || r.Verdict != policy.Undecided || r.Counts != (report.Counts{Undecided: 1, Open: 1}) || len(r.Targets) != 1 || !strings.Contains(errs, "is intact serve running at") {
		t.Errorf("%d %v\n%s\n%s", code, err, out, errs)
	}
}

func TestWhatAServerRefuses(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.registry.Push("acme/app", "1.0.0", "one")
	s.registry.Push("other/app", "1.0.0", "one")
	app, gone := s.registry.Host+"/acme/app:1.0.0", "sha256:"+strings.Repeat("1", 64)
	key := filepath.Join(t.TempDir(), "key.pub")
	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		says string
	}{
		{"a repository that is not watched", []string{app, s.registry.Host + "/other/app:1.0.0"}, nil, 2, "no repository that this service watches"},
		{"no such tag", []string{s.registry.Host + "/acme/app:none"}, nil, 3, "no such tag"},
		{"no such image", []string{s.registry.Host + "/acme/app@" + gone}, nil, 1, ""},
		{"one of two is not there", []string{app, s.registry.Host + "/acme/app:none"}, nil, 3, "1 of 2 images were not judged"},
		{"a reader", []string{app}, map[string]string{serverToken: readerToken}, 2, "is a reader"},
		{"a stranger", []string{app}, map[string]string{serverToken: strings.Repeat("x", 40)}, 2, "401"},
		{"no token", []string{app}, map[string]string{}, 2, serverToken},
		{"flags", []string{"--policy", "strict", "--key", key, "--platform", "all", "--facts", app}, nil, 2, "--server with --policy, --platform, --key, --facts"},
		{"files", []string{"-f", "."}, nil, 2, "--server with --file"},
		{"workloads", []string{"--workloads", "docker"}, nil, 2, "--server with --workloads"},
		{"a cache", []string{"--cache-dir", "x", app}, nil, 2, "--server with --cache-dir"},
		{"a layout", []string{"oci:./out"}, nil, 2, "not in a registry"},
		{"no reference", []string{"https://x"}, nil, 2, "no scheme"},
		{"a place for signatures", []string{s.registry.Host + "/acme/app:sha256-" + strings.Repeat("1", 64) + ".sig"}, nil, 2, "place for signatures"},
		{"another server", []string{"--server", "http://127.0.0.1:1", app}, nil, 3, "ask server 127.0.0.1:1"},
		{"no time", []string{"--deadline", "1ns", app}, nil, 3, "deadline"},
	} {
		s.env = tt.env
		if s.env == nil {
			s.env = map[string]string{serverToken: writerToken}
		}
		if code, out, errs := s.scan(tt.args...); code != tt.code || !strings.Contains(errs, tt.says) || code == 2 && out != "" {
			t.Errorf("%s: %d\n%s\n%s", tt.name, code, out, errs)
		}
	}
}

// A server that answers with something else than it was asked for lets nothing
// through.
func TestReportsOfAnotherImage(t *testing.T) {
	t.Parallel()
	const other = ref.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	const name = "ghcr.io/acme/app"
	digest := ref.Digest("sha256:" + strings.Repeat("1", 64))
	honest := func(tag string) (v1.Verdict, *report.Report) {
		key := name + ":" + tag
		if tag == "" {
			key = name + "@" + string(digest)
		}
		return v1.Verdict{ID: 7, Repository: name, Tag: tag, Digest: digest, Decision: policy.Allow}, &report.Report{
			Schema: report.Schema, Verdict: policy.Allow,
			Images:  []report.Image{{ID: digest, Image: name + "@" + string(digest)}},
			Targets: []report.Target{{Ref: key, Image: digest, ImageName: name + "@" + string(digest), Verdict: policy.Verdict{Decision: policy.Allow}}},
		}
	}
	for _, tt := range []struct {
		name, tag string
		change    func(v *v1.Verdict, r *report.Report)
		code      int
	}{
		{"a tag", "1", func(*v1.Verdict, *report.Report) {}, 0},
		{"a digest", "", func(*v1.Verdict, *report.Report) {}, 0},
		{"another digest", "", func(v *v1.Verdict, _ *report.Report) { v.Digest = other }, 3},
		{"a report of another digest", "", func(_ *v1.Verdict, r *report.Report) {
			r.Targets[0].Image, r.Images[0].ID = other, other
			r.Targets[0].ImageName, r.Images[0].Image = name+"@"+string(other), name+"@"+string(other)
		}, 3},
		{"a report of another digest of a tag", "1", func(_ *v1.Verdict, r *report.Report) {
			r.Targets[0].Image, r.Images[0].ID = other, other
			r.Targets[0].ImageName, r.Images[0].Image = name+"@"+string(other), name+"@"+string(other)
		}, 3},
		{"an image of another name", "1", func(_ *v1.Verdict, r *report.Report) {
			r.Images[0].Image, r.Targets[0].ImageName = "ghcr.io/x@"+string(digest), "ghcr.io/x@"+string(digest)
		}, 3},
		{"another repository", "1", func(v *v1.Verdict, _ *report.Report) { v.Repository = "ghcr.io/x" }, 3},
		{"another tag", "1", func(v *v1.Verdict, _ *report.Report) { v.Tag = "2" }, 3},
		{"another target", "1", func(_ *v1.Verdict, r *report.Report) { r.Targets[0].Ref = name + ":2" }, 3},
		{"two targets", "1", func(_ *v1.Verdict, r *report.Report) { r.Targets = append(r.Targets, r.Targets[0]) }, 3},
		{"no image", "1", func(_ *v1.Verdict, r *report.Report) { r.Targets[0].Image = "" }, 3},
		{"a verdict that is worse than its report", "1", func(v *v1.Verdict, _ *report.Report) { v.Decision = policy.Deny }, 1},
		{"no decision", "1", func(v *v1.Verdict, _ *report.Report) { v.Decision = policy.Undecided }, 3},
		{"a report that is worse", "1", func(_ *v1.Verdict, r *report.Report) { r.Verdict = policy.Deny }, 1},
		{"no report", "1", func(_ *v1.Verdict, r *report.Report) { r.Schema = "" }, 3},
	} {
		v, r := honest(tt.tag)
		tt.change(&v, r)
		var b bytes.Buffer
		if err := report.WriteJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		v.Report = b.Bytes()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			var answer any = v
			if strings.HasSuffix(q.URL.Path, "/scans") {
				answer = v1.Scan{State: v1.Done, VerdictID: 7}
			}
			if err := json.NewEncoder(w).Encode(answer); err != nil {
				t.Error(err)
			}
		}))
		t.Cleanup(server.Close)
		s := &served{t: t, url: server.URL, env: map[string]string{serverToken: writerToken}}
		image := name + ":" + tt.tag
		if tt.tag == "" {
			image = name + "@" + string(digest)
		}
		if code, out, errs := s.scan(image); code != tt.code {
			t.Errorf("%s: %d\n%s\n%s", tt.name, code, out, errs)
		}
	}
}
