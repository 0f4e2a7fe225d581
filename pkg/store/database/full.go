package database

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// diskFull is an SQLSTATE of PostgreSQL.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const diskFull = "53100"

// Full reports whether err is that there is no room on the disk of a database.
func Full(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_FULL
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == diskFull
}
