//go:build e2e && long && linux

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A replica is a process of the service that a test may kill and start again. Its
// log goes on in one file.
type replica struct {
	s       *serving
	address string
	log     string
	env     []string // more variables

	mu   sync.Mutex
	cmd  *exec.Cmd // nil = it does not run
	peak int64     // bytes, of all processes so far
}

func (s *serving) replica(t *testing.T, address string) *replica {
	t.Helper()
	r := &replica{s: s, address: address, log: filepath.Join(t.TempDir(), "log")}
	s.addresses = append(s.addresses, address)
	t.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the log of %s ends with\n%s", address, r.tail())
		}
	})
	return r
}

// start starts the process, and does not wait for it.
func (r *replica) start(t *testing.T) {
	t.Helper()
	log := must(os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))(t)
	defer func() { ok(t, log.Close()) }()
	cmd := exec.Command(r.s.bin, "serve", "--config", r.s.config, "--listen", r.address)
	cmd.Env = append(r.s.environment(t), r.env...)
	cmd.Stderr = log
	ok(t, cmd.Start())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cmd = cmd
}

// await waits until the process listens.
func (r *replica) await(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("tcp", r.address); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the service does not listen at %s\n%s", r.address, r.tail())
		}
	}
}

// kill sends SIGKILL.
func (r *replica) kill(t *testing.T) {
	t.Helper()
	r.measure()
	r.mu.Lock()
	defer r.mu.Unlock()
	ok(t, r.cmd.Process.Kill())
	_ = r.cmd.Wait()
	if status := r.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		t.Fatalf("the service ended by itself: %v\n%s", r.cmd.ProcessState, r.tail())
	}
	r.cmd = nil
}

// wait waits until the process ends by itself, and kills it if it does not.
func (r *replica) wait(within time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	killed := time.AfterFunc(within, func() { _ = r.cmd.Process.Kill() })
	err := r.cmd.Wait()
	r.cmd = nil
	if !killed.Stop() {
		return nil
	}
	return err
}

// end sends SIGTERM, and expects that the service ends well.
func (r *replica) end(t *testing.T) {
	t.Helper()
	r.measure()
	r.mu.Lock()
	defer r.mu.Unlock()
	ok(t, r.cmd.Process.Signal(syscall.SIGTERM))
	err := r.cmd.Wait()
	r.cmd = nil
	if err != nil {
		t.Errorf("the service ended with %v\n%s", err, r.tail())
	}
}

// measure remembers the peak of the resident memory.
func (r *replica) measure() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return // it is gone
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			r.peak = max(r.peak, n<<10)
		}
	}
}

func (r *replica) tail() string {
	b, _ := os.ReadFile(r.log)
	return string(b[max(0, len(b)-8000):])
}

// judged is when each tag was last judged, by the log, and how many judgings there
// were.
func (r *replica) judged(t *testing.T, last map[string]time.Time) (n int) {
	t.Helper()
	f := must(os.Open(r.log))(t)
	defer func() { ok(t, f.Close()) }()
	mine := map[string]time.Time{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var line struct {
			Time          time.Time
			Tag, Decision string
		}
		if json.Unmarshal(in.Bytes(), &line) != nil || line.Decision == "" || line.Tag == "" {
			continue // of a process that was killed, or about something else
		}
		n++
		mine[line.Tag] = line.Time
	}
	ok(t, in.Err())
	for tag, at := range mine {
		if at.After(last[tag]) {
			last[tag] = at
		}
	}
	return n
}
