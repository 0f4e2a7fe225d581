package overlay

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// Without CAP_SYS_ADMIN the kernel says that there are no trusted.* attributes:
// an opaque directory looks merged. That must never look complete.
func TestIncompleteWithoutCapability(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("bin")
	up.xattr("bin", "trusted.overlay.opaque", "y")
	up.file("bin/x", "x")
	empty := newTree(t)
	type result struct {
		lines []string
		err   error
	}
	results := map[string]result{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with its capability
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		if err := unix.Capget(&header, &sets[0]); err != nil {
			t.Error(err)
			return
		}
		sets[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
		if err := unix.Capset(&header, &sets[0]); err != nil {
			t.Error(err)
			return
		}
		for name, at := range map[string]tree{"full": up, "empty": empty} {
			for _, form := range []Form{FormUnknown, FormKernel, FormKernelUser, FormFuse} {
				var r result
				r.lines, r.err = collect(t, at.root, Options{Form: form})
				results[fmt.Sprint(name, form)] = r
			}
		}
	}()
	<-done
	for _, form := range []Form{FormUnknown, FormKernel, FormFuse} {
		r := results[fmt.Sprint("full", form)]
		if image.CauseOf(r.err) != fact.Forbidden || !strings.Contains(r.err.Error(), "incomplete") || image.HintOf(r.err) == "" {
			t.Errorf("form %d: error %v with cause %q and hint %q", form, r.err, image.CauseOf(r.err), image.HintOf(r.err))
		}
		if d := cmp.Diff([]string{"/bin, dir 755", "/bin/x, file 644 =x"}, r.lines); d != "" {
			t.Errorf("form %d: what was seen is still told (-want +got):\n%s", form, d)
		}
	}
	if err := results[fmt.Sprint("full", FormKernelUser)].err; err != nil {
		t.Errorf("user.* attributes need no capability: %v", err)
	}
	if err := results[fmt.Sprint("empty", FormKernel)].err; err != nil {
		t.Errorf("nothing was written, so nothing is marked: %v", err)
	}
}

// Root of a user namespace has CAP_SYS_ADMIN and sees no trusted.* attribute.
func TestIncompleteInUserNamespace(t *testing.T) {
	const variable = "INTACT_TEST_UPPER"
	if upper := os.Getenv(variable); upper != "" {
		_, err := collect(t, upper, Options{Form: FormKernel})
		fmt.Printf("child: %v\n", err)
		return
	}
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("bin")
	up.xattr("bin", "trusted.overlay.opaque", "y")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+up.root)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "incomplete: trusted.* attributes cannot be read in a user namespace"; !strings.Contains(string(out), want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}

func TestUpperThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.file("file", "")
	up.must(os.Symlink(".", up.path("link")))
	for name, want := range map[string]fact.Cause{"missing": fact.NotFound, "file": fact.Unsupported, "link": fact.Unsupported} {
		_, err := collect(t, up.path(name), Options{})
		if image.CauseOf(err) != want || !strings.Contains(err.Error(), up.path(name)) {
			t.Errorf("%s: error %v with cause %q; want %q and the path", name, err, image.CauseOf(err), want)
		}
	}
	var e *image.Error
	if _, err := collect(t, up.path("missing"), Options{}); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("no hint in %v", err)
	}
}
