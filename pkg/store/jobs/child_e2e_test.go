//go:build e2e

package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// The test's own program is the replica, too: it is killed.
const childStore, childName = "INTACT_TEST_REPLICA_STORE", "INTACT_TEST_REPLICA_NAME"

func child() bool {
	where := os.Getenv(childStore)
	if where == "" {
		return false
	}
	if err := replica(context.Background(), where, os.Getenv(childName)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// deadAfter of the replicas.
const deadAfter = 3 * time.Second

// replica runs tasks until its input ends. A run takes a while, and says when it
// began and ended by the clock of the store.
func replica(ctx context.Context, where, name string) error {
	db, err := database.Open(ctx, where)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	q, err := jobs.Open(ctx, db, jobs.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), DeadAfter: deadAfter})
	if err != nil {
		return err
	}
	err = q.Handle("test", jobs.Kind{}, func(ctx context.Context, r *jobs.Run) error {
		var span int64
		if err := db.Write.QueryRowContext(ctx, "INSERT INTO spans (key, replica, began) VALUES ($1, $2, clock_timestamp()) RETURNING id", r.Key, name).Scan(&span); err != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		return r.Commit(ctx, func(tx *jobs.Tx) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO judged (key, generation) VALUES ($1, $2)", r.Key, r.Generation); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "UPDATE spans SET ended = clock_timestamp() WHERE id = $1", span)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return q.Stop(ctx)
}

// startReplica returns once it takes tasks. It ends when the test does.
func startReplica(t *testing.T, where, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childStore+"="+where, childName+"="+name)
	cmd.Stderr = t.Output()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("replica %s said %q, %v", name, line, err)
	}
	return cmd
}
