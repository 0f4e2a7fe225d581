//go:build e2e && linux

package inflate

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestARM64 runs this package's tests as an arm64 processor would, under
// Debian's qemu-user-static.
func TestARM64(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH == "arm64" {
		t.Skip("this is arm64: the tests themselves say it")
	}
	bin := filepath.Join(t.TempDir(), "inflate.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-tags=inflatecheck")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for arm64: %v\n%s", err, out)
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("it builds, but is not run: no qemu-aarch64-static (Debian's qemu-user-static): ", err)
	}
	run := exec.CommandContext(t.Context(), qemu, bin, "-test.short", "-test.run", "Valid|Members|Headers|Codes|Deepest|Cancel|Failed|Kept|Checks|Size|Fuzz")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("under qemu: %v\n%s", err, out)
	}
}
