//go:build e2e && linux

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// The files of testdata/gitops name a registry that does not exist, and digests
// of one digit.
const demoRegistry = "registry.acme.example"

// A gitops is the demo repository as a team has it: a Git work tree whose images
// are in a real registry.
type gitops struct {
	*clusterGround
	dir     string
	digests map[string]string // of what was pushed last, by name and tag
}

func newGitops(t *testing.T, ground *clusterGround) *gitops {
	t.Helper()
	g := &gitops{clusterGround: ground, dir: t.TempDir(), digests: map[string]string{}}
	for _, name := range []string{
		"base/certs:2026-11-01", "base/go:1.26.8", "base/static:latest", "build/dockerfile:1.12", "ci/go:1.26", "ci/hadolint:2.12.0",
		"ci/registry:2.8.3", "gitops/manifests:3.0.0", "gitops/policies:latest", "infra/mail:3.1.0", "infra/node-exporter:latest",
		"infra/postgres:17", "infra/prometheus:v3.5.0", "infra/rclone:latest", "infra/rules:3", "infra/statsd:0.28.0", "infra/valkey:8.1.4",
		"mirror/nginx:1.29.3", "shop/checkout:5.0.1", "shop/migrate:latest", "shop/report:1.9.0", "shop/resize:1.0.0", "shop/web:1.4.2",
	} {
		g.pushApp(t, name, app(name))
	}
	for _, name := range []string{"infra/envoy:v1.32.1", "shop/cart:2.8.0", "shop/migrate:2.8.0", "shop/search:main"} {
		g.digests[name] = digestOf(g.box(t, name, name))
	}
	pairs := []string{demoRegistry, g.registry.Addr}
	for i, name := range []string{"base/go:1.26.8", "infra/valkey:8.1.4", "shop/resize:1.0.0", "infra/statsd:0.28.0", "shop/migrate:2.8.0"} {
		pairs = append(pairs, "sha256:"+strings.Repeat(strconv.Itoa(i+1), 64), g.digests[name])
	}
	real := strings.NewReplacer(pairs...)
	demo := os.DirFS("../../../testdata/gitops")
	ok(t, fs.WalkDir(demo, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(demo, name)
		if err != nil {
			return err
		}
		to := filepath.Join(g.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(real.Replace(string(b))), 0o644)
	}))
	g.git(t, "init", "--quiet")
	g.commit(t)
	return g
}

// pushApp pushes what name means from now on, and returns its digest.
func (g *gitops) pushApp(t *testing.T, name string, spec testimage.Spec) string {
	t.Helper()
	built, _ := g.push(t, spec, name)
	g.digests[name] = digestOf(built)
	return g.digests[name]
}

func (g *gitops) path(name string) string { return filepath.Join(g.dir, filepath.FromSlash(name)) }

func (g *gitops) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", g.dir, "-c", "user.name=ada", "-c", "user.email=ada@acme.example"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (g *gitops) commit(t *testing.T) {
	t.Helper()
	g.git(t, "add", "--all")
	g.git(t, "commit", "--quiet", "--message", "as it is")
}

// run runs a command of the program in the repository.
func (g *gitops) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.bin, args...)
	cmd.Dir = g.dir
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("intact %q: %v\n%s", args, err, &out)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("intact %q: exit code %d, want %d\n%s", args, got, code, &out)
	}
	return out.String()
}

// scanFiles scans what paths of the repository declare.
func (g *gitops) scanFiles(t *testing.T, paths []string, args ...string) seen {
	t.Helper()
	report := filepath.Join(t.TempDir(), "files.json")
	args = append(args, "--format", "json="+report, "-f", "--")
	for _, p := range paths {
		args = append(args, g.path(p))
	}
	s := seen{scanned: g.scan(t, args...)}
	b := must(os.ReadFile(report))(t)
	ok(t, json.Unmarshal(b, &s.running))
	return s
}

var anyDigest = regexp.MustCompile(`@sha256:[0-9a-f]{64}`)

// references are the places of a scan, one a line, with the class that its
// checks say, sorted. The registry is left out, and what digests are.
func (g *gitops) references(s seen) []string {
	var out []string
	for _, target := range s.running.Targets {
		if target.Kind == "gap" {
			continue
		}
		text := anyDigest.ReplaceAllString(strings.ReplaceAll(target.Ref, g.registry.Addr+"/", ""), "@…")
		for _, o := range target.Origins {
			place := o.Where + ":" + strconv.Itoa(o.Line) + ":" + strconv.Itoa(o.Column)
			out = append(out, strings.Join([]string{place, target.Kind, target.class(), text}, " "))
		}
	}
	slices.Sort(out)
	return out
}

// class is what the checks on a reference, or on an object, come to.
func (t targetJSON) class() string {
	outcome := map[string]string{}
	for _, r := range t.Results {
		outcome[r.Check] = r.Outcome
	}
	is := func(word string, checks ...string) bool {
		return slices.ContainsFunc(checks, func(c string) bool { return outcome[c] == word })
	}
	switch {
	case strings.Contains(t.Error, "is not resolved"):
		return "unresolved"
	case is("fail", "REG001"):
		return "mutable"
	case is("pass", "REG001"):
		return "immutable"
	case is("fail", "REF002"):
		return "no-tag"
	case is("fail", "REF003", "REF006", "REF007"):
		return "floating"
	case is("fail", "REF001"):
		return "fixed"
	case is("pass", "REF001", "REF006", "REF007"):
		return "pinned"
	}
	return "built" // beside the file: not judged as a reference
}
