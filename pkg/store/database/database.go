// Package database opens the database of a store: an SQLite file, or PostgreSQL
// where several replicas share one. Both have the same tables, made by the same
// migrations, and are asked with the same SQL: placeholders are $1, $2, times are
// microseconds since 1970 in UTC (see [Micros]), digests are text.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// A DB is an open database. It may be used concurrently.
type DB struct {
	// Write is for everything that changes something. On SQLite it is one
	// connection, and each of its transactions takes the write lock at once.
	Write *sql.DB
	// Read is for queries. It sees what is committed.
	Read *sql.DB
	// Pool is the same PostgreSQL database by its own protocol; nil on SQLite.
	Pool *pgxpool.Pool
	// File is the SQLite file; "" on PostgreSQL.
	File string

	where string
}

// String says which database it is, without a password.
func (d *DB) String() string { return d.where }

// Open opens where: a postgres:// URL, or the path of an SQLite file, which is
// made if it is not there (its folder must be). It changes no tables: see
// [DB.Migrate]. A server that does not answer is an error within ctx.
func Open(ctx context.Context, where string) (*DB, error) {
	switch {
	case where == "":
		return nil, errors.New("open store: no file or URL is named")
	case strings.HasPrefix(where, "postgres://"), strings.HasPrefix(where, "postgresql://"):
		return openPostgres(ctx, where)
	case strings.Contains(where, "://"):
		return nil, fmt.Errorf("open store: %q is neither a file nor a postgres:// URL", redacted(where))
	}
	return openSQLite(ctx, where)
}

// Close closes all connections.
func (d *DB) Close() error {
	err := d.Write.Close()
	if d.Read != d.Write {
		err = errors.Join(err, d.Read.Close())
	}
	if d.Pool != nil {
		d.Pool.Close()
	}
	return err
}

// maxConnections to one PostgreSQL server, if the URL does not say pool_max_conns. A
// few replicas fit into its default of 100; each is a process there, and takes it
// longer to start than a burst of work lasts that would want more.
const maxConnections = 8

func openPostgres(ctx context.Context, where string) (*DB, error) {
	shown := redacted(where)
	c, err := pgxpool.ParseConfig(where)
	if err != nil {
		// The error of the library quotes the URL with its password.
		return nil, fmt.Errorf("open store %s: the URL cannot be read; it looks like postgres://user@host:5432/database?sslmode=verify-full", shown)
	}
	if u, err := url.Parse(where); err != nil || !u.Query().Has("pool_max_conns") {
		c.MaxConns = maxConnections
	}
	c.ConnConfig.RuntimeParams["application_name"] = "intact"
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", shown, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open store %s: %w", shown, err)
	}
	db := stdlib.OpenDBFromPool(pool)
	return &DB{Write: db, Read: db, Pool: pool, where: shown}, nil
}

// redacted is a URL without its password and parameters.
func redacted(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return "postgres://…"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

// Micros is t as the tables hold it; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the time that a table holds as us.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
