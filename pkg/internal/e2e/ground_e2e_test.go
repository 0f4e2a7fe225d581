//go:build e2e && linux

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// A ground is what the end-to-end tests share: the program as users build it, a
// real registry and the real cosign commands with a key.
type ground struct {
	bin      string
	home     string // of every run; "" = each run has its own
	registry *testground.Registry
	v2, v3   *testground.Cosign
	key      testground.Key
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{bin: os.Getenv("INTACT_E2E_BINARY")}
	if g.bin == "" {
		g.bin = filepath.Join(t.TempDir(), "intact")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", g.bin, "github.com/intact-dev/intact/cmd/intact")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build intact: %v\n%s", err, out)
		}
	}
	g.registry = startRegistry(t)
	g.v2 = must(testground.NewCosign(t.Context(), testground.CosignV2, t.TempDir()))(t)
	g.v3 = must(testground.NewCosign(t.Context(), testground.CosignV3, t.TempDir()))(t)
	g.key = must(g.v2.GenerateKey(t.Context(), "release"))(t)
	return g
}

// atHome is the same ground for a user who comes back: runs share a home, and
// so the cache and the key that authenticates it.
func (g *ground) atHome(t *testing.T) *ground {
	t.Helper()
	same := *g
	same.home = t.TempDir()
	return &same
}

func startRegistry(t *testing.T) *testground.Registry {
	t.Helper()
	r := must(testground.StartRegistry(t.Context(), t.TempDir()))(t)
	t.Cleanup(func() { ok(t, r.Close()) })
	return r
}

// must stops a test whose ground cannot be laid.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// app describes a small image without findings, of which variant makes a
// different one.
func app(variant string, platforms ...string) testimage.Spec {
	var s testimage.Spec
	for _, p := range append(platforms, "linux/amd64")[:max(1, len(platforms))] {
		s.Images = append(s.Images, testimage.Image{
			Platform: p,
			Config:   testimage.Config{User: "1000:1000", Entrypoint: []string{"/app/run"}},
			Layers: []testimage.Layer{
				{CreatedBy: "base", Files: []testimage.File{
					{Path: "bin/sh", Mode: "0755", Content: "\x7fELF"},
					{Path: "etc/passwd", Content: "app:x:1000:1000::/:/bin/false\n"},
				}},
				{CreatedBy: "COPY run /app/", Files: []testimage.File{
					{Path: "app/", Mode: "0755"},
					{Path: "app/run", Mode: "0755", Content: "#!/bin/sh\necho " + variant + " " + p + "\n"},
				}},
			},
		})
	}
	s.Index = len(platforms) > 0
	return s
}

// push pushes the image to name, such as "app:1.0.0", in the real registry.
func (g *ground) push(t *testing.T, spec testimage.Spec, name string) (built *testimage.Built, ref string) {
	t.Helper()
	ref = g.registry.Ref(name)
	return must(testground.PushSpec(t.Context(), t.TempDir(), spec, ref))(t), ref
}

// atDigest is the reference of what was pushed to ref, by digest.
func atDigest(ref string, built *testimage.Built) string {
	return ref[:strings.LastIndex(ref, ":")] + "@" + string(built.Root.Descriptor.Digest)
}

// A scanned is what one run of `intact scan` left.
type scanned struct {
	code           int
	stdout, stderr string
	report         reportJSON
}

// A reportJSON is what the tests read of an intact.report/v1.
type reportJSON struct {
	Schema, Verdict string
	Images          []struct {
		ID, Class string
		Platforms []struct{ Platform, Index, Manifest, Config string }
		Results   []resultJSON
	}
	Targets []struct {
		Ref, Image string
		Results    []resultJSON
	}
}

type resultJSON struct {
	Check, Outcome, Cause, Why, Platform, Decision string
	Findings                                       []struct{ Message, Fix string }
}

// command is `intact scan` with nothing of this machine's user, a text report on stdout and
// a JSON report in the file it returns.
func (g *ground) command(ctx context.Context, t *testing.T, args ...string) (cmd *exec.Cmd, report string) {
	t.Helper()
	home := g.home
	if home == "" {
		home = t.TempDir()
	}
	report = filepath.Join(t.TempDir(), "report.json")
	cmd = exec.CommandContext(ctx, g.bin, append([]string{"scan", "--format", "text", "--format", "json=" + report}, args...)...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "PATH=" + os.Getenv("PATH")}
	return cmd, report
}

// scan runs `intact scan` to its end. Whatever happens, a scan ends with a
// report in both forms that agree with each other and the exit code.
func (g *ground) scan(t *testing.T, args ...string) scanned {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd, report := g.command(ctx, t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%q: %v, %v\n%s", args, err, ctx.Err(), &stderr)
	}
	if peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; peak > maxMemory {
		t.Errorf("%q took %d MiB at its peak, want at most %d", args, peak>>20, maxMemory>>20)
	}
	return finished(t, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), report)
}

// maxMemory is what a scan may take whatever it is given.
const maxMemory = 256 << 20

func finished(t *testing.T, code int, stdout, stderr, report string) scanned {
	t.Helper()
	s := scanned{code: code, stdout: stdout, stderr: stderr}
	if strings.Contains(s.stderr, "panic") || strings.Contains(s.stderr, "goroutine ") {
		t.Fatalf("the program panicked:\n%s", s.stderr)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("no report: exit code %d\n%s%s", s.code, s.stdout, s.stderr)
	}
	ok(t, json.Unmarshal(b, &s.report))
	if s.report.Schema != "intact.report/v1" {
		t.Errorf("schema is %q", s.report.Schema)
	}
	words := map[string]struct {
		code int
		word string
	}{"allow": {0, "allowed:"}, "warn": {0, "allowed:"}, "deny": {1, "denied:"}, "undecided": {3, "undecided:"}}
	want, known := words[s.report.Verdict]
	if !known || s.code != want.code {
		t.Errorf("exit code %d with verdict %q\n%s%s", s.code, s.report.Verdict, s.stdout, s.stderr)
	}
	blocks := strings.Split(strings.TrimSpace(s.stdout), "\n\n")
	if last := blocks[len(blocks)-1]; !strings.HasPrefix(last, want.word) {
		t.Errorf("the report ends with %q, want a line that begins with %q", last, want.word)
	}
	if strings.ContainsFunc(s.stdout, func(r rune) bool { return r < ' ' && r != '\n' }) {
		t.Errorf("control characters in the text report: %q", s.stdout)
	}
	return s
}

// results are all results of a check.
func (s scanned) results(check string) []resultJSON {
	var out []resultJSON
	for _, r := range s.all() {
		if r.Check == check {
			out = append(out, r)
		}
	}
	return out
}

func (s scanned) all() []resultJSON {
	var out []resultJSON
	for _, i := range s.report.Images {
		out = append(out, i.Results...)
	}
	for _, t := range s.report.Targets {
		out = append(out, t.Results...)
	}
	return out
}

// checks are the IDs of the results that have the outcome, each once.
func (s scanned) checks(outcome string) []string {
	var out []string
	for _, r := range s.all() {
		if r.Outcome == outcome {
			out = append(out, r.Check)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// denied are the IDs of the checks that failed and are denied, each once.
func (s scanned) denied() []string {
	var out []string
	for _, r := range s.all() {
		if r.Outcome == "fail" && r.Decision == "deny" {
			out = append(out, r.Check)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// want compares the exit code and the denied checks, and looks for words in the
// text report, in which lines are wrapped.
func (s scanned) want(t *testing.T, code int, denied []string, words ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", s.code, code, s.stdout, s.stderr)
	}
	if diff := cmp.Diff(denied, s.denied()); diff != "" {
		t.Errorf("denied checks (-want +got):\n%s%s", diff, s.stdout)
	}
	text := strings.Join(strings.Fields(s.stdout), " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the report lacks %q:\n%s", w, s.stdout)
		}
	}
}
