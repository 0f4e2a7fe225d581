package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File returns the path that where names, if it is one and not a URL.
func File(where string) (string, bool) { return where, where != "" && !strings.Contains(where, "://") }

// Place makes file with what write puts into a temporary one beside it. It
// appears whole or not at all, and replaces nothing: a file that is there is left
// alone, which is no error if it came up meanwhile.
func Place(file string, write func(temporary string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(file), "."+filepath.Base(file)+"-new-")
	if err != nil {
		return fmt.Errorf("make store %q: %w", file, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	temporary := filepath.Join(dir, "store")
	if err := write(temporary); err != nil {
		return err
	}
	if err := sync(temporary); err != nil {
		return fmt.Errorf("make store %q: %w", file, err)
	}
	if err := os.Chmod(temporary, 0o600); err != nil {
		return fmt.Errorf("make store %q: %w", file, err)
	}
	if err := os.Link(temporary, file); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make store %q: %w", file, err)
	}
	if err := sync(filepath.Dir(file)); err != nil {
		return fmt.Errorf("make store %q: %w", file, err)
	}
	return nil
}

func sync(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Migrated reports whether the database has been used by [DB.Migrate].
func (d *DB) Migrated(ctx context.Context) (bool, error) {
	query := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`
	if d.Pool != nil {
		query = `SELECT count(to_regclass('goose_db_version'))`
	}
	var n int
	err := d.Read.QueryRowContext(ctx, query).Scan(&n)
	return n > 0, err
}
