//go:build e2e

package store_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
)

// victim, if set, is the store that this process writes to until it is killed.
const victim = "INTACT_TEST_VICTIM"

// TestVictim is run by the tests that kill it. It says the number of each leaf
// once it is acknowledged.
func TestVictim(t *testing.T) {
	where := os.Getenv(victim)
	if where == "" {
		return // it is no test of its own
	}
	s, err := store.Open(t.Context(), where, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		var os []store.Observation
		for i := range 1 + n%5 {
			os = append(os, seen(fmt.Sprint("t", (n+i)%7), ref.DigestOf(fmt.Append(nil, rand.Uint64()), ""), n))
		}
		out, err := s.ObserveAll(t.Context(), os)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("seq %d\n", out[len(out)-1].Seq)
	}
}

// killed runs a victim until it has acknowledged some leaves, and kills it a
// moment later. It returns the last number that was acknowledged.
func killed(t *testing.T, where string, some int, moment time.Duration) int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), victim+"="+where)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, lines := int64(-1), 0
	for in := bufio.NewScanner(out); in.Scan(); {
		number, ok := cutSeq(in.Text())
		if !ok {
			t.Errorf("the victim says %q", in.Text())
			continue
		}
		last = number
		if lines++; lines == some {
			time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || lines < some {
		t.Errorf("the victim ended by itself: %v", err)
	}
	return last
}

func cutSeq(line string) (int64, bool) {
	if len(line) < 5 || line[:4] != "seq " {
		return 0, false
	}
	n, err := strconv.ParseInt(line[4:], 10, 64)
	return n, err == nil
}

// killMany kills a process that observes, again and again: whatever it
// acknowledged is there, and the log holds.
func killMany(t *testing.T, where string, rounds int) {
	s := open(t, where, store.Options{Create: true})
	for i := range rounds {
		last := killed(t, where, 1+i%20, time.Duration(rand.IntN(20_000))*time.Microsecond)
		if t.Failed() {
			return
		}
		again, err := store.Open(t.Context(), where, store.Options{})
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		v, err := again.Verify(t.Context(), nil)
		if err != nil || !v.OK() || v.Checkpoint.N <= last {
			t.Fatalf("round %d: %d acknowledged; %+v, %v", i, last+1, v, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d leaves", rounds, head.N)
}

func TestKilledOnSQLite(t *testing.T) { killMany(t, file(t), kills) }

func TestKilledOnPostgreSQL(t *testing.T) {
	url, err := postgres(t).Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	killMany(t, url, kills)
}
