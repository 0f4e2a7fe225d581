//go:build e2e && long && linux

package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// On a full disk nothing is acknowledged that is not kept, the service stays up
// and says what is wrong, and once there is room again everything that was
// acknowledged is judged.
func TestServeOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	disk := t.TempDir()
	ok(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"))
	t.Cleanup(func() { ok(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	db := filepath.Join(disk, "intact.db")
	l := newLoaded(t, "sqlite: "+db)
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	deliver := func(n int) error {
		return l.deliver(t.Context(), l.tags[n%len(l.tags)], 0)
	}
	for n := range 20 {
		ok(t, deliver(n))
	}
	for round, restart := range []bool{false, true} {
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		refused := 0
		for n := 0; refused < 5; n++ {
			// Files that SQLite uses over again have some room left.
			if n == 5000 {
				t.Fatal("5000 deliveries are acknowledged and the disk is full")
			}
			if n%10 == 0 {
				ok(t, l.move(t.Context(), l.tags[n%len(l.tags)], 1+round))
			}
			if err := deliver(n); err != nil {
				if refused++; !strings.Contains(err.Error(), ": 5") {
					t.Errorf("a delivery that is not kept: %v", err)
				}
			}
		}
		l.get(t, "/healthz", http.StatusOK)
		l.ready(t, http.StatusServiceUnavailable, "deliveries cannot be kept: the disk is full")
		if restart {
			r.kill(t)
			r.start(t)
			// Whether it can start depends on what SQLite still has to write.
			if err := r.wait(10 * time.Second); err != nil && !strings.HasSuffix(strings.TrimSpace(r.tail()), "database or disk is full (13)") {
				t.Errorf("the service ended with %v\n%s", err, r.tail())
			}
		}
		ok(t, os.Remove(ballast))
		if restart {
			r.start(t)
			r.await(t)
		}
		began := time.Now()
		for n := 0; deliver(n) != nil; n++ {
			if time.Since(began) > 30*time.Second {
				t.Fatal("there is room, and nothing is acknowledged")
			}
			time.Sleep(50 * time.Millisecond)
		}
		l.drained(t, 2*time.Minute)
		l.ready(t, http.StatusOK, "")
		t.Logf("all is judged %s after there was room", time.Since(began).Round(time.Millisecond))
	}
	l.memory(t, r)
	r.end(t)
	l.check(t, db, r)
}

// ready waits until the service answers like this about itself, which it may keep
// for a second.
func (l *loaded) ready(t *testing.T, status int, says string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		resp := must(l.client.Get("http://" + l.addresses[0] + "/readyz"))(t)
		body := must(io.ReadAll(resp.Body))(t)
		ok(t, resp.Body.Close())
		if resp.StatusCode == status && strings.Contains(string(body), says) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("/readyz: %s, want %d and %q\n%s", resp.Status, status, says, body)
		}
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f := must(os.Create(name))(t)
	defer func() { ok(t, f.Close()) }()
	for size := 1 << 20; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
}
