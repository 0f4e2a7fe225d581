package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File returns the path that where names, if it is one and not a URL.
func File(where string) (string, bool) { return where, where != "" && !strings.Contains(where, "://") }

// Place makes file with what write puts into a temporary one beside it. It
// appears whole or not at all, and replaces nothing: if it is there the error is
// [os.ErrExist], wrapped. So it is if there is a log of changes without its file:
// they would be taken for changes of the new one.
func Place(file string, write func(temporary string) error) error {
	for _, name := range []string{file, file + "-wal"} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("make %q: %q: %w", file, name, os.ErrExist)
		}
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), "."+filepath.Base(file)+"-new-")
	if err != nil {
		return fmt.Errorf("make %q: %w", file, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	temporary := filepath.Join(dir, "store")
	if err := write(temporary); err != nil {
		return err
	}
	if err := sync(temporary); err != nil {
		return fmt.Errorf("make %q: %w", file, err)
	}
	if err := os.Chmod(temporary, 0o600); err != nil {
		return fmt.Errorf("make %q: %w", file, err)
	}
	if err := os.Link(temporary, file); err != nil {
		return fmt.Errorf("make %q: %w", file, err)
	}
	if err := sync(filepath.Dir(file)); err != nil {
		return fmt.Errorf("make %q: %w", file, err)
	}
	return nil
}

// Private makes an empty file that only its owner can read, if there is none. One
// that is there is not opened: closing it would drop the locks of this process.
func Private(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make %q: %w", name, err)
	}
	return f.Close()
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
