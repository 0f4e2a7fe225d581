package trustroot_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/verify/trustroot"
)

// Set for a process that does nothing but refresh a copy.
const childCache, childURL, childAnchor = "INTACT_TEST_TRUSTROOT", "INTACT_TEST_TRUSTROOT_URL", "INTACT_TEST_TRUSTROOT_ANCHOR"

// TestMain is also the other processes, which are killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childCache); dir != "" {
		fmt.Fprintln(os.Stderr, refresh(context.Background(), dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// refresh goes on until it is killed, and prints a line for each.
func refresh(ctx context.Context, dir string) error {
	anchor, err := os.ReadFile(os.Getenv(childAnchor))
	if err != nil {
		return err
	}
	for {
		_, info, err := trustroot.Fetch(ctx, trustroot.Options{
			CacheDir: dir, HTTPClient: http.DefaultClient, Now: now, URL: os.Getenv(childURL), Anchor: anchor,
		})
		if err != nil {
			return err
		}
		if info.Source == trustroot.FromEmbedded {
			return fmt.Errorf("the server is there, and it got %+v", info)
		}
		fmt.Println(info.Source)
	}
}

// A moving repository has several versions, of which one is the newest.
type moving struct {
	roots   [][]byte // of version 1 and on
	version atomic.Int64
}

func newMoving(t *testing.T, versions int) (*moving, trustroot.Options) {
	t.Helper()
	r, opts := newRepository(t)
	m := &moving{}
	m.version.Store(1)
	files, stamps := map[string][]byte{}, [][]byte{}
	for v := range versions {
		body := rootJSON(t, strings.Repeat("x", 60_000+v))
		r.publish(int64(v+1), now.Add(24*time.Hour), body)
		for name, b := range r.files {
			files[name] = b
		}
		m.roots, stamps = append(m.roots, body), append(stamps, r.files["timestamp.json"])
	}
	delete(files, "timestamp.json")
	r.files = files
	r.answer = func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/timestamp.json" {
			return false
		}
		_, _ = w.Write(stamps[m.version.Load()-1])
		return true
	}
	return m, opts
}

// whole reports whether b is a root that was ever published.
func (m *moving) whole(b []byte) bool {
	for _, r := range m.roots {
		if bytes.Equal(b, r) {
			return true
		}
	}
	return false
}

// adv-TUF-7: who reads while others write has an old root or a new one.
func TestRefreshesAtOnceLeaveAWholeCopy(t *testing.T) {
	t.Parallel()
	m, opts := newMoving(t, 4)
	fetch(t, opts)
	offline := opts
	offline.Offline = true
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		writers.Go(func() {
			for v := range m.roots {
				m.version.Store(int64(v + 1))
				b, info, err := trustroot.Fetch(t.Context(), opts)
				if err != nil || info.Source == trustroot.FromEmbedded || !m.whole(b) {
					t.Errorf("refresh: %d bytes, %+v, %v", len(b), info, err)
				}
			}
		})
	}
	read := atomic.Int64{}
	for range 2 {
		readers.Go(func() {
			for {
				b, info, err := trustroot.Fetch(t.Context(), offline)
				if err != nil || info.Source != trustroot.FromCache || !m.whole(b) {
					t.Errorf("read: %d bytes, %+v, %v", len(b), info, err)
				}
				read.Add(1)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if left, err := os.ReadDir(opts.CacheDir); err != nil || len(left) != 1 {
		t.Errorf("in the folder: %v, %v", left, err)
	}
	t.Logf("%d were read", read.Load())
}

// adv-TUF-7: processes that refresh one copy and are killed at any moment leave
// an old root or a new one, or none, and keep nobody from refreshing it.
func TestKilledAtAnyMomentTheCopyIsWhole(t *testing.T) {
	t.Parallel()
	m, opts := newMoving(t, kills+2)
	anchor := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(anchor, opts.Anchor, 0o600); err != nil {
		t.Fatal(err)
	}
	offline := opts
	offline.Offline = true
	had := false // a copy
	for i := range kills {
		m.version.Store(int64(i + 1))
		killed(t, opts, anchor, i%4 > 0)
		b, info := fetch(t, offline)
		switch {
		case info.Source == trustroot.FromCache && m.whole(b):
			had = true
		case had || info.Source != trustroot.FromEmbedded || !strings.Contains(info.Why, "no copy: "):
			t.Fatalf("kill %d: %d bytes, %+v", i, len(b), info)
		}
	}
	if !had {
		t.Fatal("no process came so far as to keep a copy")
	}
	left, err := os.ReadDir(opts.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d unfinished copies", kills, len(left)-1)
	m.version.Store(int64(len(m.roots)))
	if b, info := fetch(t, opts); info.Source != trustroot.FromTUF || !bytes.Equal(b, m.roots[len(m.roots)-1]) {
		t.Errorf("refresh afterwards: %+v", info)
	}
	if b, info := fetch(t, offline); info.Source != trustroot.FromCache || !bytes.Equal(b, m.roots[len(m.roots)-1]) {
		t.Errorf("the copy afterwards: %+v", info)
	}
}

// killed runs three processes at once and kills them at a random moment: when all
// of them work, or while they start.
func killed(t *testing.T, opts trustroot.Options, anchor string, working bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	var lines []*bufio.Reader
	for range 3 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childCache+"="+opts.CacheDir, childURL+"="+opts.URL, childAnchor+"="+anchor)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all, lines = append(all, cmd), append(lines, bufio.NewReader(out))
	}
	for _, l := range lines {
		if !working {
			break
		}
		if line, err := l.ReadString('\n'); err != nil {
			t.Errorf("a process says %q, %v", line, err)
		}
	}
	time.Sleep(rand.N(30 * time.Millisecond)) // the moment; nothing is expected of it
	for _, cmd := range all {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	for _, cmd := range all {
		if _ = cmd.Wait(); cmd.ProcessState.Exited() {
			t.Errorf("it ended by itself: %v", cmd.ProcessState)
		}
	}
}

// What a killed process left is removed when it is old enough not to be written
// any more, and nothing else is.
func TestUnfinishedCopiesAreRemoved(t *testing.T) {
	t.Parallel()
	_, opts := newRepository(t)
	for name, age := range map[string]time.Duration{
		"trust-root.json.1": 25 * time.Hour, "trust-root.json.22": time.Hour,
		"trust-root.json.bak": 25 * time.Hour, "trust-root.json.": 25 * time.Hour, "other.1": 25 * time.Hour,
	} {
		name = filepath.Join(opts.CacheDir, name)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, info.ModTime(), info.ModTime().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	fetch(t, opts)
	entries, err := os.ReadDir(opts.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != "other.1 trust-root.json trust-root.json. trust-root.json.22 trust-root.json.bak" {
		t.Errorf("left: %s", got)
	}
}
