//go:build e2e

package jobs_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestReplicasShareTheWorkAndOutliveEachOther(t *testing.T) {
	t.Parallel()
	postgres(t)
	where := ownDatabase(t)
	db := openDB(t, where)
	if _, err := db.Write.ExecContext(t.Context(), `CREATE TABLE judged (key text, generation bigint, PRIMARY KEY (key, generation));
		CREATE TABLE spans (id bigserial PRIMARY KEY, key text NOT NULL, replica text NOT NULL, began timestamptz NOT NULL, ended timestamptz)`); err != nil {
		t.Fatal(err)
	}
	q := idle(t, db)
	a, _ := startReplica(t, where, "a"), startReplica(t, where, "b")
	startReplica(t, where, "c")

	const keys = 60
	var wishes sync.WaitGroup
	for w := range 3 {
		wishes.Go(func() {
			for i := range 2 * keys {
				if err := q.Want(t.Context(), jobs.Task{Kind: "test", Key: fmt.Sprint((i*7 + w) % keys)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	awaitRuns(t, db, "a")
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	a.Wait()
	killed := time.Now()
	cut, err := db.Write.ExecContext(t.Context(), "UPDATE spans SET ended = clock_timestamp() WHERE replica = 'a' AND ended IS NULL")
	if err != nil {
		t.Fatal(err)
	}
	runs, _ := cut.RowsAffected()
	wishes.Wait()
	for _, l := range settled(t, q) {
		if l.Failed+l.Later > 0 {
			t.Errorf("%+v", l)
		}
	}
	took := time.Since(killed)
	t.Logf("%d runs were cut off; all was done %s after", runs, took)
	if took > 5*deadAfter {
		t.Errorf("taken over after %s, replicas are dead after %s", took, deadAfter)
	}
	for what, query := range map[string]string{
		"runs of a key at a time": "SELECT COUNT(*) FROM spans a JOIN spans b ON a.key = b.key AND a.id < b.id AND a.began < b.ended AND b.began < a.ended",
		"runs without an end":     "SELECT COUNT(*) FROM spans WHERE ended IS NULL",
		"wishes not answered":     "SELECT COUNT(*) FROM tasks WHERE wanted <> done OR NOT EXISTS (SELECT 1 FROM judged v WHERE v.key = tasks.key AND v.generation = tasks.wanted)",
		"keys missing":            fmt.Sprintf("SELECT %d - COUNT(*) FROM tasks WHERE kind = 'test'", keys),
		"idle replicas":           "SELECT 3 - COUNT(DISTINCT replica) FROM spans",
	} {
		var n int
		if err := db.Read.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

// awaitRuns waits until a replica is at work.
func awaitRuns(t *testing.T, db *database.DB, name string) {
	t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for range 2000 {
		var n int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM spans WHERE replica = $1 AND ended IS NULL", name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n >= 3 {
			return
		}
		<-every.C
	}
	t.Fatal("it does not work")
}
