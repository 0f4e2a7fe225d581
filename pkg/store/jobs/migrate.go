package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/intact-dev/intact/pkg/store/database"
)

// migrationLock is the advisory lock on PostgreSQL under which River's tables are
// changed: "intact" and a number, in ASCII.
const migrationLock = 0x696e7461637401

// migrate brings River's own tables up to date; one replica at a time does it.
func migrate(ctx context.Context, db *database.DB, log *slog.Logger) error {
	log = slog.New(quiet{log.Handler()})
	if db.Pool == nil {
		return up(ctx, riversqlite.New(db.Write), log)
	}
	// The lock belongs to a connection, and falls with it.
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	err = up(ctx, riverpgxv5.New(db.Pool), log)
	if _, unlock := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock)); unlock != nil {
		conn.Conn().Close(context.WithoutCancel(ctx)) // frees it, too
	}
	return err
}

func up[T any](ctx context.Context, driver riverdriver.Driver[T], log *slog.Logger) error {
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	// Fails for a version that this program does not know.
	if has, err := driver.GetExecutor().TableExists(ctx, &riverdriver.TableExistsParams{Table: "river_migration"}); err != nil {
		return err
	} else if has {
		if _, err := m.ExistingVersions(ctx); err != nil {
			return fmt.Errorf("%w: %w", database.ErrNewer, err)
		}
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// quiet lets River say only what is wrong.
type quiet struct{ slog.Handler }

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(a)} }
func (h quiet) WithGroup(n string) slog.Handler      { return quiet{h.Handler.WithGroup(n)} }
