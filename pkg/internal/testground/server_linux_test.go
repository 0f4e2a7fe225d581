package testground

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func testPlace(t *testing.T) *place {
	t.Helper()
	p, err := newPlace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.remove(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func testNursery(t *testing.T) *nursery {
	t.Helper()
	n := newNursery()
	t.Cleanup(n.close)
	return n
}

func TestWaitEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s, err := startServer(testNursery(t), testPlace(t), "shell", exec.Command("sh", "-c", "echo cannot go on; exit 7"))
	if err != nil {
		t.Fatal(err)
	}
	err = await(t.Context(), "an answer", func(context.Context) error { return errors.New("no answer yet") }, s)
	for _, want := range []string{"wait for an answer", "shell ended: exit status 7", "cannot go on"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestWaitSaysTheLastAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	late, why := errors.New("too late"), errors.New("not one pod")
	err := await(ctx, "pods", func(ctx context.Context) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		defer cancel(late)
		return why
	})
	if !errors.Is(err, late) || !errors.Is(err, why) {
		t.Errorf("error %v, want %v and %v in it", err, late, why)
	}
}

func TestProcessesEndWithTheirNursery(t *testing.T) {
	t.Parallel()
	n := newNursery()
	s, err := startServer(n, testPlace(t), "sleep", exec.Command("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	n.close()
	<-s.done
	var exit *exec.ExitError
	if !errors.As(s.err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v, want killed", s.err)
	}
	if err := n.start(exec.Command("true")); err == nil {
		t.Error("a closed nursery starts processes")
	}
}

func TestSweepRemovesWhatNobodyOwns(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	live, err := os.Create(filepath.Join(tmp, placePrefix+"live.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := syscall.Flock(int(live.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"live/file", "dead/file", "dead.lock"} {
		if err := writeFile(filepath.Join(tmp, placePrefix+name), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweep(tmp); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || filepath.Base(left[0]) != placePrefix+"live" || filepath.Base(left[1]) != placePrefix+"live.lock" {
		t.Errorf("left %q, want what is locked", left)
	}
}

// A half-closed connection still carries the answer.
func TestForwardsCarryBothWays(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b, _ := io.ReadAll(c)
		io.WriteString(c, strings.ToUpper(string(b)))
	}()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var f forwards
	f.add(door, func() (net.Conn, error) { return net.Dial("tcp", server.Addr().String()) })
	c, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "question"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || string(b) != "QUESTION" {
		t.Errorf("answer %q, %v", b, err)
	}
	f.close()
	if c, err := net.Dial("tcp", door.Addr().String()); err == nil {
		c.Close()
		t.Error("a closed forward takes connections")
	}
}
