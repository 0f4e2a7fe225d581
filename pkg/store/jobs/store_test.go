package jobs_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// each runs a test on every database there is: PostgreSQL only with -tags e2e.
func each(t *testing.T, test func(t *testing.T, open func(*testing.T) *database.DB)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "store.db")
		test(t, func(t *testing.T) *database.DB { return openDB(t, file) })
	})
	if url := postgres(t); url != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			own := ownDatabase(t, url)
			test(t, func(t *testing.T) *database.DB { return openDB(t, own) })
		})
	}
}

func openDB(t *testing.T, where string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// queue opens one, registers a handler for "test", and starts it.
func queue(t *testing.T, db *database.DB, k jobs.Kind, h jobs.Handler) *jobs.Queue {
	t.Helper()
	q := idle(t, db)
	if err := q.Handle("test", k, h); err != nil {
		t.Fatal(err)
	}
	start(t, q)
	return q
}

func idle(t *testing.T, db *database.DB) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(t.Context(), db, jobs.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), DeadAfter: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func start(t *testing.T, q *jobs.Queue) {
	t.Helper()
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func want(t *testing.T, q *jobs.Queue, tasks ...jobs.Task) {
	t.Helper()
	if err := q.Want(t.Context(), tasks...); err != nil {
		t.Fatal(err)
	}
}

// receive is the next value, or a failed test.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case v := <-c:
		return v
	case <-ctx.Done():
		t.Fatal("nothing came within 20 s")
		panic("unreachable")
	}
}

// settled waits until no task of a kind waits or runs.
func settled(t *testing.T, q *jobs.Queue) []jobs.Lag {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for {
		lag, err := q.Lag(ctx)
		if err != nil {
			t.Fatal(err)
		}
		busy := false
		for _, l := range lag {
			busy = busy || l.Waiting+l.Running > 0
		}
		if !busy {
			return lag
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			t.Fatalf("still busy: %+v", lag)
		}
	}
}
