//go:build e2e && linux

package testground

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holdEnv makes the test below it the process that is killed.
const holdEnv = "INTACT_TESTGROUND_HOLD"

func TestKilledTestLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	if os.Getenv(holdEnv) != "" {
		t.Fatal("a held node ended")
	}
	hold := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldNode$", "-test.v")
	hold.Env = append(os.Environ(), holdEnv+"=1")
	out, err := hold.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hold.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		_, dir, _ = strings.Cut(lines.Text(), "holds ")
	}
	if dir == "" {
		t.Fatalf("the process that is to be killed: %v", hold.Wait())
	}
	if len(processesOf(t, dir)) == 0 || len(cgroupsOf(t, dir)) == 0 {
		t.Fatal("nothing runs: there is nothing to see")
	}
	if err := hold.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	hold.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	gone := func(context.Context) error {
		if left := processesOf(t, dir); len(left) > 0 {
			return fmt.Errorf("processes %q", left)
		}
		return nil
	}
	if err := await(ctx, "its processes to end", gone); err != nil {
		t.Fatal(err)
	}
	p, err := newPlace() // sweeps
	if err != nil {
		t.Fatal(err)
	}
	if err := p.remove(); err != nil {
		t.Error(err)
	}
	leavesNothing(t, dir)
	leavesNothing(t, p.dir)
}

// TestHoldNode is no test: it holds a node until it is killed.
func TestHoldNode(t *testing.T) {
	if os.Getenv(holdEnv) == "" {
		t.Skip("part of TestKilledTestLeavesNothingBehind")
	}
	p, err := newPlace()
	if err != nil {
		t.Fatal(err)
	}
	outside := newNursery()
	n, err := startNode(t.Context(), p, outside)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
		for top in /sys/fs/cgroup/pids /sys/fs/cgroup; do
			mkdir -p $top/child && echo $$ >$top/child/cgroup.procs && break
		done
		ip link add intact0 type bridge
		sleep 1000 &
		mkdir $0/mnt; mount -t tmpfs tmpfs $0/mnt; touch $0/mnt/mounted
		exec tail -f $0/mnt/mounted`
	s, err := startServer(n.inside, p, "script", exec.Command("bash", "-c", script, p.dir))
	if err != nil {
		t.Fatal(err)
	}
	started := func(ctx context.Context) error {
		return n.command(ctx, "test", "-f", p.path("mnt", "mounted")).Run()
	}
	if err := await(t.Context(), "the script", started, s); err != nil {
		t.Fatal(err)
	}
	fmt.Println("holds " + p.dir)
	<-s.done
}

// leavesNothing fails the test if anything of a place is left on the machine.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	if found, err := filepath.Glob(dir + "*"); err != nil || len(found) > 0 {
		t.Errorf("left behind: %q, %v", found, err)
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
	if left := cgroupsOf(t, dir); len(left) > 0 {
		t.Errorf("left as control groups: %q", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("left mounted, %v:\n%s", err, mounts)
	}
	if _, err := os.Stat("/sys/class/net/intact0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bridge on the machine: %v", err)
	}
}

// processesOf lists the command lines that name a folder.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(b), dir) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}

// cgroupsOf lists the groups in the control group of a place, as the machine
// sees them.
func cgroupsOf(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, top := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		below, err := filepath.Glob(top + filepath.Base(dir) + "/*/cgroup.procs")
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, below...)
	}
	return found
}
