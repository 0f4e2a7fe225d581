package database

import (
	"context"
	"database/sql"
)

// Durable runs do in a transaction that, once it is committed, survives a power
// cut, and with it all that was committed before. On SQLite that waits for the disk,
// which tasks need not: what an inbox holds is handed on again.
//
// https://sqlite.org/pragma.html#pragma_synchronous
func (d *DB) Durable(ctx context.Context, o *sql.TxOptions, do func(tx *sql.Tx) error) (err error) {
	conn, err := d.Write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if d.Pool == nil {
		if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
			return err
		}
		// Where that fails the connection waits for the disk more often than it need.
		defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = NORMAL") }()
	}
	tx, err := conn.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
