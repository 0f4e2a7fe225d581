package database

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer is that the store was last used by a newer version of the program.
var ErrNewer = errors.New("its tables are of a newer version of intact: use that version")

// Migrate brings the tables up to date. It may be called by several replicas at a
// time: one does the work. A store of a newer version is left as it is, with
// [ErrNewer].
func (d *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate store %s: %w", d, err)
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithGoMigrations(appendOnly(d.Pool != nil))}
	if d.Pool != nil {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migrate store %s: %w", d, err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.Write, files, options...)
	if err != nil {
		return fmt.Errorf("migrate store %s: %w", d, err)
	}
	has, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrate store %s: %w", d, err)
	}
	if has > want {
		return fmt.Errorf("migrate store %s: version %d, this program knows %d: %w", d, has, want, ErrNewer)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate store %s: %w", d, err)
	}
	return nil
}
