//go:build e2e

package inbox_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

func TestKilledAtAnyMomentNothingIsLostOrDoneTwice(t *testing.T) {
	t.Parallel()
	file := verdicts(t)
	acknowledged := map[string]bool{}
	cut := 0
	for i := range kills {
		cmd, out := command(t, file, "load"), &output{first: make(chan bool)}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if i%4 > 0 { // else while it starts
			receive(t, out.first)
		}
		time.Sleep(rand.N(400 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if cmd.Wait(); cmd.ProcessState.Exited() {
			t.Fatalf("it ended by itself: %v", cmd.ProcessState)
		}
		n := len(acknowledged)
		collect(acknowledged, out.all.String())
		if len(acknowledged) > n {
			cut++
		}
	}
	if cut == 0 {
		t.Fatal("no process came so far as to accept anything")
	}
	if out, err := command(t, file, "drain").Output(); err != nil {
		t.Fatal(err, string(out))
	}
	t.Logf("%d kills, %d of them under load, %d deliveries", kills, cut, len(acknowledged))
	checkVerdicts(t, file, acknowledged)
}

func TestAFullDiskIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	file := verdicts(t)
	cmd, said := command(t, file, "full"), new(bytes.Buffer)
	cmd.Stderr = said
	out, err := cmd.Output()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]bool{}
	collect(acknowledged, string(out))
	if len(acknowledged) < 2 || !acknowledged["full-again"] {
		t.Errorf("acknowledged %d", len(acknowledged))
	}
	if out, err := command(t, file, "drain").Output(); err != nil {
		t.Fatal(err, string(out))
	}
	checkVerdicts(t, file, acknowledged)
}

// output of a process; first is closed when there is any.
type output struct {
	all   bytes.Buffer
	first chan bool
	once  sync.Once
}

func (o *output) Write(b []byte) (int, error) {
	o.once.Do(func() { close(o.first) })
	return o.all.Write(b)
}

func receive(t *testing.T, c <-chan bool) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatal("nothing was accepted within a minute")
	}
}

// verdicts makes a store with a table for what is judged.
func verdicts(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "store.db")
	db := openDB(t, file)
	if _, err := db.Write.ExecContext(t.Context(), "CREATE TABLE judged (kind text, key text, generation bigint, PRIMARY KEY (kind, key, generation))"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func command(t *testing.T, file, mode string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childStore+"="+file, childMode+"="+mode)
	cmd.Stderr = t.Output()
	return cmd
}

// collect adds whole lines: the last one may be cut off.
func collect(to map[string]bool, out string) {
	lines := strings.Split(out, "\n")
	for _, key := range lines[:len(lines)-1] {
		to[key] = true
	}
}

func checkVerdicts(t *testing.T, file string, acknowledged map[string]bool) {
	t.Helper()
	db := openDB(t, file)
	judged := map[string]int{}
	rows, err := db.Read.QueryContext(t.Context(), "SELECT key FROM judged WHERE kind = 'each'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		judged[key]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for key := range acknowledged {
		if judged[key] == 0 {
			t.Errorf("%s was acknowledged and never judged", key)
		}
	}
	for key, n := range judged {
		if n > 1 {
			t.Errorf("%s was wanted once and judged %d times", key, n)
		}
	}
	var open int
	if err := db.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM tasks WHERE wanted <> done
		OR NOT EXISTS (SELECT 1 FROM judged v WHERE v.kind = tasks.kind AND v.key = tasks.key AND v.generation = tasks.wanted)`).Scan(&open); err != nil || open != 0 {
		t.Errorf("%d wishes are not answered, %v", open, err)
	}
	for _, f := range []*database.DB{db, openFile(t, file+"-inbox")} {
		var says string
		if err := f.Read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
			t.Errorf("%s: %s, %v", f, says, err)
		}
	}
}

func openFile(t *testing.T, file string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
