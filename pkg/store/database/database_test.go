package database_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/store/database"
)

func TestOpenAndMigrate(t *testing.T) {
	t.Parallel()
	// Names that a URL would take for something else.
	file := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	for range 2 {
		db, err := database.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mode string
		var synchronous int
		if err := db.Write.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
			t.Errorf("journal mode %q, %v", mode, err)
		}
		if err := db.Write.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 1 {
			t.Errorf("synchronous %d, %v", synchronous, err)
		}
		if err := db.Durable(t.Context(), nil, func(tx *sql.Tx) error {
			return tx.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous)
		}); err != nil || synchronous != 2 {
			t.Errorf("synchronous %d where it has to be durable, %v", synchronous, err)
		}
		if err := db.Write.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 1 {
			t.Errorf("synchronous %d after that, %v", synchronous, err)
		}
		if _, err := db.Read.ExecContext(t.Context(), "INSERT INTO leaves VALUES (0, 'r', 't', 'x')"); err == nil {
			t.Error("wrote through the connection for reading")
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if m, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.db")); len(m) != 1 || m[0] != file {
		t.Errorf("files: %q", m)
	}
}

func TestANewerStoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); !errors.Is(err, database.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

func TestNoPasswordInErrors(t *testing.T) {
	t.Parallel()
	for _, where := range []string{
		"postgres://user:canary@127.0.0.1:1/db?password=canary&sslmode=disable", "postgres://user:canary@[::1", "postgres://u:canary@h:port/x",
		"mysql://user:canary@host/db", "postgresql://user:canary@127.0.0.1:1/db?sslmode=canary",
	} {
		_, err := database.Open(t.Context(), where)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", where, err)
		}
	}
}
