package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/intact-dev/intact/pkg/store/database"
)

// ErrPostgres is that a store is on PostgreSQL, which has its own tools.
var ErrPostgres = errors.New("it is on PostgreSQL: use pg_dump and psql, then intact store verify")

// Backup writes one state of the store to a new file, while others write, and
// verifies it. The file is a store itself.
func (s *Store) Backup(ctx context.Context, file string) error {
	if s.db.File == "" {
		return fmt.Errorf("back up %s: %w", s, ErrPostgres)
	}
	err := database.Place(file, func(temporary string) error {
		if _, err := s.db.Write.ExecContext(ctx, `VACUUM INTO $1`, temporary); err != nil {
			return err
		}
		return verifyFile(ctx, temporary)
	})
	if err != nil {
		return fmt.Errorf("back up %s: %w", s, err)
	}
	return nil
}

// Restore makes the store at where from a backup, once it is verified. It replaces
// nothing.
func Restore(ctx context.Context, backup, where string) error {
	file, ok := database.File(where)
	if !ok {
		return fmt.Errorf("restore store: %w", ErrPostgres)
	}
	if _, err := os.Lstat(backup + "-wal"); err == nil {
		return fmt.Errorf("restore store from %q: it is in use, and no backup: make one with intact store backup", backup)
	}
	err := database.Place(file, func(temporary string) error {
		if err := copyFile(backup, temporary); err != nil {
			return err
		}
		return verifyFile(ctx, temporary)
	})
	if err != nil {
		return fmt.Errorf("restore store from %q: %w", backup, err)
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// verifyFile opens a store and looks at all of it.
func verifyFile(ctx context.Context, file string) error {
	s, err := Open(ctx, file, Options{})
	if err != nil {
		return err
	}
	err = s.Check(ctx)
	if err == nil {
		var v *Verification
		if v, err = s.Verify(ctx, nil); err == nil && !v.OK() {
			err = fmt.Errorf("%w: %s", ErrDamaged, v.Faults[0])
		}
	}
	return errors.Join(err, s.Close())
}

// Check lets SQLite look at all of its file. PostgreSQL has no such question.
func (s *Store) Check(ctx context.Context) error {
	if s.db.File == "" {
		return nil
	}
	var answer string
	if err := s.db.Read.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&answer); err != nil {
		return fmt.Errorf("check %s: %w", s, err)
	}
	if answer != "ok" {
		return fmt.Errorf("check %s: %w: %s", s, ErrDamaged, answer)
	}
	return nil
}
