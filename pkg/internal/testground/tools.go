package testground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// CacheDir is the folder that keeps what is slow to make: the environment
// variable INTACT_E2E_CACHE if set, else intact-e2e in the user's cache folder.
// It is created.
func CacheDir() (string, error) {
	dir := os.Getenv("INTACT_E2E_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache folder (set INTACT_E2E_CACHE): %w", err)
		}
		dir = filepath.Join(base, "intact-e2e")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create the cache folder: %w", err)
	}
	return dir, nil
}

// locked runs f while no other process runs under the same name in the cache.
func locked(name string, f func(cache string) error) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(cache, name+".lock")).Lock()
	if err != nil {
		return fmt.Errorf("lock %q in the cache folder: %w", name, err)
	}
	defer unlock()
	return f(cache)
}

// Command finds an installed command. The error says which Debian package
// brings it.
func Command(name, debianPackage string) (string, error) {
	p, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find command %q (apt-get install %s): %w", name, debianPackage, err)
	}
	return p, nil
}

// A GoTool is a command that `go install` builds from its module.
type GoTool struct {
	Name    string // the file name in the cache, without version
	Package string // import path of the main package
	Version string // with its v; part of the file name, so a new one is built anew
}

// The commands that tests and benchmarks compare with.
var (
	CosignV2 = GoTool{"cosign", "github.com/sigstore/cosign/v2/cmd/cosign", "v2.6.5"}
	CosignV3 = GoTool{"cosign", "github.com/sigstore/cosign/v3/cmd/cosign", "v3.1.3"}
	Crane    = GoTool{"crane", "github.com/google/go-containerregistry/cmd/crane", "v0.22.1"}
	Frizbee  = GoTool{"frizbee", "github.com/stacklok/frizbee", "v0.1.7"}
	Syft     = GoTool{"syft", "github.com/anchore/syft/cmd/syft", "v1.57.0"}
)

// Install returns the path of the tool's binary, which it builds first if the
// cache does not hold this version.
func (t GoTool) Install(ctx context.Context) (string, error) {
	var bin string
	err := locked("tools", func(cache string) error {
		bin = filepath.Join(cache, "bin", t.Name+"-"+t.Version+exeSuffix())
		if _, err := os.Stat(bin); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return t.install(ctx, bin)
	})
	if err != nil {
		return "", fmt.Errorf("install %s@%s: %w", t.Package, t.Version, err)
	}
	return bin, nil
}

func (t GoTool) install(ctx context.Context, bin string) error {
	if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(bin), "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-s -w", t.Package+"@"+t.Version)
	cmd.Dir = tmp // outside every module
	cmd.Env = append(os.Environ(), "GOBIN="+tmp, "GOFLAGS=", "CGO_ENABLED=0")
	if _, err := output(cmd); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, path.Base(t.Package)+exeSuffix()), bin)
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// run runs a command and returns what it wrote to stdout.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, name, args...))
}

// output is cmd.Output with the end of stderr in the error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("run %q: %w\n%s", cmd.Args, err, tail(stderr.String(), 2000))
	}
	return string(out), nil
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}
