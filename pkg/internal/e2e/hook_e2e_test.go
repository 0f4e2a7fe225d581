//go:build e2e && linux

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A work is a Git repository of a user, and what its commands run with.
type work struct {
	dir string
	env []string
}

// goPath is what `go env` says, so that commands with a home of their own build
// from what this machine has.
func goPath(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	ok(t, err)
	return strings.TrimSpace(string(out))
}

func newWork(t *testing.T) *work {
	t.Helper()
	home := t.TempDir()
	w := &work{dir: filepath.Join(t.TempDir(), "work"), env: []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "PRE_COMMIT_HOME=" + filepath.Join(home, "pre-commit"),
		"GOMODCACHE=" + goPath(t, "GOMODCACHE"), "GOCACHE=" + goPath(t, "GOCACHE"), "GOFLAGS=-trimpath -buildvcs=false", "GOTOOLCHAIN=local", "CGO_ENABLED=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_CONFIG_NOSYSTEM=1",
	}}
	ok(t, os.MkdirAll(w.dir, 0o755))
	w.must(t, "git", "init", "-q", "-b", "main")
	return w
}

// run runs a command in the repository and returns its exit code and output.
func (w *work) run(t *testing.T, name string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func (w *work) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	code, out := w.run(t, name, args...)
	if code != 0 {
		t.Fatalf("%s %q: exit code %d\n%s", name, args, code, out)
	}
	return out
}

func (w *work) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	ok(t, os.MkdirAll(filepath.Dir(file), 0o755))
	ok(t, os.WriteFile(file, []byte(text), 0o600))
}

func (w *work) read(t *testing.T, name string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(name))))(t))
}

const repositoryRoot = "../../.."

// hooksAt commits this repository as it lies here to one of its own, which
// pre-commit clones, and returns the commit.
func hooksAt(t *testing.T) (w *work, commit string) {
	t.Helper()
	w = newWork(t)
	root := must(filepath.Abs(repositoryRoot))(t)
	list := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard")
	names := must(list.Output())(t)
	for _, name := range strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		ok(t, err)
		w.write(t, name, string(b))
	}
	w.must(t, "git", "add", "-A")
	w.must(t, "git", "commit", "-q", "-m", "as it is")
	return w, strings.TrimSpace(w.must(t, "git", "rev-parse", "HEAD"))
}

func pod(image string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n  - name: api\n    image: " + image + " # kept\n"
}

// The hooks as users get them: pre-commit clones and builds them, and Git runs
// them on the files of each commit.
func TestHooksOfPreCommit(t *testing.T) {
	t.Parallel()
	registry := startRegistry(t)
	g := &ground{registry: registry}
	built, image := g.push(t, app("hook"), "api:1.0.0")
	hooks, commit := hooksAt(t)
	w := newWork(t)
	w.write(t, ".pre-commit-config.yaml", "repos:\n- repo: "+hooks.dir+"\n  rev: "+commit+"\n  hooks:\n  - id: intact-scan\n    verbose: true\n  - id: intact-pin\n")
	w.must(t, "pre-commit", "install")
	w.write(t, "README.md", "no file of ours\n")
	w.must(t, "git", "add", "-A")
	if out := w.must(t, "git", "commit", "-m", "nothing to judge"); !strings.Contains(out, "ALLOWED") || !strings.Contains(out, "0 references") {
		t.Errorf("a commit that touches no file that names images:\n%s", out)
	}

	// A tag is allowed with a warning, and gets its digest; the commit stops for that.
	w.write(t, "deploy/api.yaml", pod(image))
	// Its name is that of a flag, and stays a file.
	w.write(t, "--policy=audit.yaml", pod(image))
	w.must(t, "git", "add", "-A")
	code, out := w.run(t, "git", "commit", "-m", "a tag")
	if code == 0 || !strings.Contains(out, "REF001") || !strings.Contains(out, "files were modified by this hook") || !strings.Contains(out, "baseline@") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	pinned := pod(image + "@" + string(built.Root.Descriptor.Digest))
	for _, name := range []string{"deploy/api.yaml", "--policy=audit.yaml"} {
		if got := w.read(t, name); got != pinned {
			t.Errorf("%s is %q, want %q", name, got, pinned)
		}
	}
	w.must(t, "git", "add", "-A")
	w.must(t, "git", "commit", "-m", "its digest")

	// What is not there is undecided or denied, and no commit.
	w.write(t, "deploy/api.yaml", pod(registry.Ref("gone:1.0.0")+"@sha256:"+strings.Repeat("0", 64)))
	w.must(t, "git", "add", "-A")
	if code, out := w.run(t, "git", "commit", "-m", "gone"); code == 0 || !strings.Contains(out, "REF005") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
