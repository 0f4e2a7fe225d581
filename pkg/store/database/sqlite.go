package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite" // and the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers of an SQLite file at a time.
const readers = 4

// openSQLite keeps one connection for writing, so that writers of one process
// queue in Go and not in busy loops. Its commits survive the death of the process;
// a power cut may take the last ones, in order, if they are not made by [DB.Durable].
func openSQLite(ctx context.Context, file string) (*DB, error) {
	write, err := sql.Open("sqlite", DSN(file, "_txlock=immediate", "_pragma=synchronous(NORMAL)"))
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", file, err)
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %q: %w", file, err), write.Close())
	}
	read, err := sql.Open("sqlite", DSN(file, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %q: %w", file, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	return &DB{Write: write, Read: read, File: file, where: file}, nil
}

// DSN is the name by which the driver opens an SQLite file: write-ahead log, every
// commit synced, waiting for other processes for ten seconds. Options in more come
// after these.
func DSN(file string, more ...string) string {
	path := (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()
	options := append([]string{
		"_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(1)",
	}, more...)
	return "file:" + path + "?" + strings.Join(options, "&")
}

// Damaged reports whether err is that a file is not, or not all of, a database.
func Damaged(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff // the rest says where
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}
