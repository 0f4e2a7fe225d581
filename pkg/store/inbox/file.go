package inbox

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// file is the inbox as an SQLite file. IDs go up in the order of commits, so the
// store remembers the highest that it has, in the transaction in which it wants the
// tasks: whichever of the two files a crash catches first, nothing is lost, and
// nothing is wanted twice.
type file struct {
	db          *database.DB // of the store
	write, read *sql.DB
	inbox       string // identity
}

func openFile(ctx context.Context, db *database.DB) (*file, error) {
	name := db.File + "-inbox"
	if err := database.Private(name); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", database.DSN(name, "_txlock=immediate"))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", database.DSN(name, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%q: %w", name, err), write.Close())
	}
	read.SetMaxOpenConns(2)
	f := &file{db: db, write: write, read: read}
	if err := f.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%q: %w", name, err), f.close())
	}
	return f, nil
}

func (f *file) prepare(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, f.write, sub)
	if err != nil {
		return err
	}
	has, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > want {
		return fmt.Errorf("version %d, this program knows %d: %w", has, want, database.ErrNewer)
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	if err := f.write.QueryRowContext(ctx, "SELECT inbox FROM identity").Scan(&f.inbox); err != nil {
		return err
	}
	if _, err := f.db.Write.ExecContext(ctx, "INSERT INTO inbox_cursor (inbox, moved) VALUES ($1, 0) ON CONFLICT (inbox) DO NOTHING", f.inbox); err != nil {
		return err
	}
	// A file that was restored from an older copy must not give away IDs that the
	// store takes for done.
	moved, err := f.moved(ctx)
	if err != nil {
		return err
	}
	var last int64
	err = f.write.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").Scan(&last)
	switch {
	case errors.Is(err, sql.ErrNoRows) && moved > 0:
		_, err = f.write.ExecContext(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES ('deliveries', $1)", moved)
	case errors.Is(err, sql.ErrNoRows):
		err = nil
	case err == nil && last < moved:
		_, err = f.write.ExecContext(ctx, "UPDATE sqlite_sequence SET seq = $1 WHERE name = 'deliveries'", moved)
	}
	return err
}

func (f *file) close() error { return errors.Join(f.write.Close(), f.read.Close()) }

func (f *file) moved(ctx context.Context) (id int64, err error) {
	err = f.db.Read.QueryRowContext(ctx, "SELECT moved FROM inbox_cursor WHERE inbox = $1", f.inbox).Scan(&id)
	return id, err
}

func (f *file) insert(ctx context.Context, ds []Delivery) ([]bool, error) {
	// For a context that may end the driver starts a goroutine for every statement,
	// and waits for it: on a busy machine that takes longer than the disk. The file is
	// ours alone, and an append to it cannot be interrupted anyway.
	fresh, err := f.append(context.WithoutCancel(ctx), ds)
	if err != nil {
		return nil, fmt.Errorf("write %q: %w", f.db.File+"-inbox", err)
	}
	return fresh, nil
}

func (f *file) append(ctx context.Context, ds []Delivery) ([]bool, error) {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	put, err := tx.PrepareContext(ctx, "INSERT INTO deliveries (endpoint, key, received, events) VALUES ($1, $2, $3, $4) ON CONFLICT (endpoint, key) DO NOTHING")
	if err != nil {
		return nil, err
	}
	defer put.Close()
	fresh := make([]bool, len(ds))
	for i, d := range ds {
		res, err := put.ExecContext(ctx, d.Endpoint, d.Key, database.Micros(d.Received), string(d.Events))
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, err
		}
		fresh[i] = n == 1
	}
	return fresh, tx.Commit()
}

func (f *file) next(ctx context.Context, after int64) (ids []int64, ds []Delivery, err error) {
	rows, err := f.read.QueryContext(ctx, "SELECT id, endpoint, key, received, events FROM deliveries WHERE id > $1 ORDER BY id LIMIT $2", after, batch)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n, at int64
		var d Delivery
		var events string
		if err := rows.Scan(&n, &d.Endpoint, &d.Key, &at, &events); err != nil {
			return nil, nil, err
		}
		d.Received, d.Events = database.Time(at), []byte(events)
		ids, ds = append(ids, n), append(ds, d)
	}
	return ids, ds, rows.Err()
}

func (f *file) move(ctx context.Context, q *jobs.Queue, say translate) (int, error) {
	from, err := f.moved(ctx)
	if err != nil {
		return 0, err
	}
	ids, ds, err := f.next(ctx, from)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	var tasks []jobs.Task
	for i, d := range ds {
		want, err := say(d)
		if err != nil {
			// Before it counts as moved: it is only a note.
			if _, err := f.write.ExecContext(ctx, "UPDATE deliveries SET refused = $1 WHERE id = $2", err.Error(), ids[i]); err != nil {
				return 0, err
			}
		}
		tasks = append(tasks, want...)
	}
	err = q.Tx(ctx, func(tx *jobs.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE inbox_cursor SET moved = $1 WHERE inbox = $2 AND moved = $3", ids[len(ids)-1], f.inbox, from)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errMoved, err)
		}
		return q.WantTx(ctx, tx, tasks...)
	})
	if err != nil {
		return 0, err
	}
	return len(ids), nil
}

func (f *file) waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	after, err := f.moved(ctx)
	if err != nil {
		return 0, oldest, err
	}
	var at int64
	err = f.read.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MIN(received), 0) FROM deliveries WHERE id > $1", after).Scan(&n, &at)
	return n, database.Time(at), err
}

func (f *file) refused(ctx context.Context) (n int, err error) {
	err = f.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM deliveries WHERE refused <> ''").Scan(&n)
	return n, err
}

func (f *file) prune(ctx context.Context, before time.Time) (bool, error) {
	upto, err := f.moved(ctx)
	if err != nil {
		return false, err
	}
	res, err := f.write.ExecContext(ctx, "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE received < $1 AND id <= $2 LIMIT $3)",
		database.Micros(before), upto, pruneBatch)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == pruneBatch, err
}
