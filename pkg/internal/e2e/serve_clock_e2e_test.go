//go:build e2e && long && linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// A clock is what a program of [stepping] takes for the machine's: a file says how
// many seconds it is ahead.
type clock string

const clockFile = "INTACT_TEST_CLOCK"

func newClock(t *testing.T) clock {
	t.Helper()
	c := clock(filepath.Join(t.TempDir(), "clock"))
	c.step(t, 0)
	return c
}

func (c clock) step(t *testing.T, ahead time.Duration) {
	t.Helper()
	ok(t, os.WriteFile(string(c)+".next", fmt.Appendf(nil, "%d", int64(ahead.Seconds())), 0o600))
	ok(t, os.Rename(string(c)+".next", string(c)))
}

func (c clock) env() []string { return []string{clockFile + "=" + string(c)} }

// stepping builds the program with a wall clock that a file steps, and that is all
// that differs: nobody may set the machine's. What measures time by the other clock
// goes on, as it does where a machine's clock is set.
func stepping(t *testing.T) (bin string) {
	t.Helper()
	source := filepath.Join(strings.TrimSpace(output(t, "go", "env", "GOROOT")), "src", "time", "time.go")
	text := string(must(os.ReadFile(source))(t))
	const read = "\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(text, read) != 1 {
		t.Fatalf("%s of %s reads the clock in another way", source, runtime.Version())
	}
	text = strings.Replace(text, read, read+"\tsec += Ahead.Load()\n", 1) + "\n// Ahead is how many seconds the wall clock is.\nvar Ahead atomic.Int64\n"
	text = strings.Replace(text, "import (\n", "import (\n\t\"sync/atomic\"\n", 1)
	dir := t.TempDir()
	program := filepath.Join(filepath.Dir(strings.TrimSpace(output(t, "go", "env", "GOMOD"))), "cmd", "intact")
	replaced := map[string]string{source: filepath.Join(dir, "time.go"), filepath.Join(program, "clock_that_steps.go"): filepath.Join(dir, "clock.go")}
	ok(t, os.WriteFile(filepath.Join(dir, "time.go"), []byte(text), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "clock.go"), []byte(`package main

import (
	"os"
	"strconv"
	"time"
)

func look() {
	text, err1 := os.ReadFile(os.Getenv("`+clockFile+`"))
	ahead, err2 := strconv.ParseInt(string(text), 10, 64)
	if err1 == nil && err2 == nil {
		time.Ahead.Store(ahead)
	}
}

func init() {
	look()
	go func() {
		for range time.Tick(5 * time.Millisecond) {
			look()
		}
	}()
}
`), 0o600))
	overlay := filepath.Join(dir, "overlay.json")
	ok(t, os.WriteFile(overlay, must(json.Marshal(map[string]any{"Replace": replaced}))(t), 0o600))
	bin = filepath.Join(dir, "intact")
	output(t, "go", "build", "-overlay", overlay, "-o", bin, program)
	return bin
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, err.(*exec.ExitError).Stderr)
	}
	return string(out)
}

// soon is how long after a step what is pushed may take to be judged and told: what
// waits by the old clock is found within seconds.
const soon = 30 * time.Second

// Of all that moves meanwhile people are told, too.
const talkative = "limits: {notifications: 100000}"

// A stage sets clocks; what is pushed after it is judged soon.
type stage struct {
	name string
	set  func(t *testing.T)
}

func (l *loaded) steps(t *testing.T, stages ...stage) {
	t.Helper()
	over := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { l.load(t, 50, -1, over) })
	for i, s := range stages {
		time.Sleep(4 * time.Second)
		s.set(t)
		tag, began := fmt.Sprintf("acme/r0:2.0.%d", i), time.Now()
		ok(t, l.move(t.Context(), tag, 0))
		ok(t, l.deliver(t.Context(), tag, 0))
		l.place.await(t, l.registry.Ref(tag), 1, soon)
		t.Logf("%s: judged and told after %s", s.name, time.Since(began).Round(time.Millisecond))
	}
	time.Sleep(4 * time.Second)
	close(over)
	sending.Wait()
	for _, tag := range l.tags {
		ok(t, l.deliver(t.Context(), tag, time.Minute))
	}
	l.drained(t, time.Minute)
}

func TestServeWhileItsClockSteps(t *testing.T) {
	l := newLoaded(t, "sqlite: intact.db", talkative)
	l.bin = stepping(t)
	c := newClock(t)
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.env = c.env()
	r.start(t)
	r.await(t)
	to := func(name string, ahead time.Duration) stage {
		return stage{name, func(t *testing.T) { c.step(t, ahead) }}
	}
	l.steps(t, to("an hour back", -time.Hour), to("three hours forward", 2*time.Hour), to("28 hours back", -26*time.Hour),
		to("52 hours forward", 26*time.Hour), to("right again", 0))
	r.end(t)
	l.check(t, filepath.Join(l.dir, "intact.db"), r)
}

func TestServeWhileClocksOfReplicasAndPostgreSQLStep(t *testing.T) {
	postgres := must(testground.StartPostgresWithClock(t.Context()))(t)
	t.Cleanup(func() { ok(t, postgres.Close()) })
	url := must(postgres.Database(t.Context()))(t)
	l := newLoaded(t, fmt.Sprintf("postgres: %q", url), talkative)
	l.bin = stepping(t)
	var all []*replica
	clocks := map[string]func(t *testing.T, ahead time.Duration){
		"PostgreSQL": func(t *testing.T, ahead time.Duration) {
			ok(t, postgres.Step(ahead))
			// It is what the server says, or nothing is tested.
			var now time.Time
			ok(t, now.UnmarshalText([]byte(must(postgres.Ask(t.Context(), url, `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`))(t))))
			if off := now.Sub(time.Now().Add(ahead)); off.Abs() > 10*time.Second {
				t.Errorf("the server's clock is %s off", off)
			}
		},
	}
	for i, address := range freeAddresses(t, 2) {
		c := newClock(t)
		clocks[fmt.Sprint("replica ", i)] = c.step
		r := l.replica(t, address)
		r.env = c.env()
		r.start(t)
		r.await(t)
		all = append(all, r)
	}
	to := func(who, name string, ahead time.Duration) stage {
		return stage{who + " " + name, func(t *testing.T) { clocks[who](t, ahead) }}
	}
	l.steps(t, to("replica 0", "an hour back", -time.Hour), to("replica 1", "26 hours forward", 26*time.Hour), to("PostgreSQL", "an hour back", -time.Hour),
		to("PostgreSQL", "27 hours forward", 26*time.Hour), to("PostgreSQL", "right again", 0), to("replica 0", "right again", 0),
		to("replica 1", "right again", 0))
	for _, r := range all {
		r.end(t)
	}
	l.check(t, url, all...)
}
