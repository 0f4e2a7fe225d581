package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A Tx is a transaction in which tasks can be wanted. It is used by one goroutine.
type Tx struct {
	*sql.Tx
	conn *pgx.Conn // the same connection; nil on SQLite
}

// tries of a transaction that met another one the wrong way round.
const tries = 4

// Tx calls f in a transaction and commits it if f returns nil. Where PostgreSQL
// asks for it (a deadlock, say), f is called again in a new one.
func (q *Queue) Tx(ctx context.Context, f func(*Tx) error) error {
	for n := 1; ; n++ {
		err := q.once(ctx, f)
		var pg *pgconn.PgError
		if n < tries && errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") && ctx.Err() == nil {
			continue
		}
		return err
	}
}

func (q *Queue) once(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := q.db.Write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer conn.Close()
	tx := &Tx{}
	if q.db.Pool != nil {
		if err := conn.Raw(func(c any) error { tx.conn = c.(*stdlib.Conn).Conn(); return nil }); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
	// Statements end with ctx, the transaction ends here: database/sql would roll
	// it back on its own, beside what River does on the same connection.
	if tx.Tx, err = conn.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// forUpdate locks the rows of a query until the transaction ends. On SQLite the
// transaction has the lock of the whole file.
func (q *Queue) forUpdate() string {
	if q.db.Pool != nil {
		return " FOR UPDATE"
	}
	return ""
}

// onConn is the transaction that is open on a connection, for River. It neither
// begins nor ends one.
type onConn struct{ c *pgx.Conn }

var errNotHere = errors.New("the transaction is begun and ended elsewhere")

func (t onConn) Begin(context.Context) (pgx.Tx, error) { return nil, errNotHere }
func (t onConn) Commit(context.Context) error          { return errNotHere }
func (t onConn) Rollback(context.Context) error        { return errNotHere }
func (t onConn) Conn() *pgx.Conn                       { return t.c }
func (t onConn) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }

func (t onConn) Exec(ctx context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	return t.c.Exec(ctx, q, args...)
}

func (t onConn) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	return t.c.Query(ctx, q, args...)
}

func (t onConn) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	return t.c.QueryRow(ctx, q, args...)
}

func (t onConn) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.c.SendBatch(ctx, b)
}

func (t onConn) Prepare(ctx context.Context, name, q string) (*pgconn.StatementDescription, error) {
	return t.c.Prepare(ctx, name, q)
}

func (t onConn) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.c.CopyFrom(ctx, table, columns, rows)
}

// micros is the time of the store's tables; never 0.
func micros(t time.Time) int64 { return max(1, t.UnixMicro()) }
