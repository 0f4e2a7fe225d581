//go:build e2e && long && linux

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What a repository holds beside what is reported costs no memory, however much
// of it there is: fifty times the files of kinds that are read, and none of them
// names an image. Each reference more costs its part of the report.
func TestMemoryIsFlatWithTheSizeOfARepository(t *testing.T) {
	g := &ground{bin: os.Getenv("INTACT_E2E_BINARY")}
	if g.bin == "" {
		g.bin = filepath.Join(t.TempDir(), "intact")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", g.bin, "github.com/intact-dev/intact/cmd/intact")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build intact: %v\n%s", err, out)
		}
	}
	small := g.peakOf(t, repository(t, 1_000, 100), 100)
	large := g.peakOf(t, repository(t, 50_000, 100), 100)
	many := g.peakOf(t, repository(t, 50_000, 5_000), 5_000)
	perReference := (many - large) / (5_000 - 100)
	t.Logf("1,000 files: %d MiB, 50,000 files: %d MiB, with 5,000 references instead of 100: %d MiB, %d bytes for each", small>>20, large>>20, many>>20, perReference)
	if large > small+16<<20 {
		t.Errorf("50,000 files take %d MiB, 1,000 files %d MiB", large>>20, small>>20)
	}
	if perReference > 20<<10 {
		t.Errorf("a reference more takes %d bytes", perReference)
	}
}

// repository is a folder of files of 4 kB each: objects that name no image, other
// YAML, and Deployments with an image each.
func repository(t *testing.T, files, deployments int) string {
	t.Helper()
	root := t.TempDir()
	filler := "# " + strings.Repeat("x", 3600) + "\n"
	for i := range files {
		dir := filepath.Join(root, fmt.Sprintf("team-%04d", i/100))
		ok(t, os.MkdirAll(dir, 0o755))
		var text string
		switch {
		case i < deployments:
			text = fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%d, namespace: team}
spec:
  template:
    spec:
      containers:
      - {name: main, image: "registry.example.com/team/app-%d:1.%d.0"}
`, i, i, i%7)
		case i%2 == 0:
			text = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app-%d}\ndata: {image: none}\n", i)
		default:
			text = fmt.Sprintf("values:\n  replicas: %d\n", i)
		}
		ok(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%06d.yaml", i)), []byte(text+filler), 0o600))
	}
	return root
}

// peakOf is the most memory in bytes that the program took to judge the references
// of a folder, which are so many.
func (g *ground) peakOf(t *testing.T, root string, references int) int64 {
	t.Helper()
	cmd, report := g.command(t.Context(), t, "-f", "--depth", "reference", root)
	out, _ := cmd.Output()
	s := finished(t, cmd.ProcessState.ExitCode(), string(out), "", report)
	if got := len(s.report.Targets); got != references {
		t.Fatalf("%d references in the report of %d", got, references)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}
