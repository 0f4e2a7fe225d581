//go:build !linux

package testground

import (
	"context"
	"errors"
	"time"
)

// A Postgres is there on Linux only.
type Postgres struct{ Addr string }

var errNoPostgres = errors.New("start PostgreSQL: on Linux only")

// StartPostgres says that there is none.
func StartPostgres(context.Context, ...string) (*Postgres, error) { return nil, errNoPostgres }

// StartPostgresWithClock says that there is none.
func StartPostgresWithClock(context.Context, ...string) (*Postgres, error) { return nil, errNoPostgres }

// Step says that there is none.
func (*Postgres) Step(time.Duration) error { return errNoPostgres }

// Restart says that there is none.
func (*Postgres) Restart(context.Context) error { return errNoPostgres }

// Database says that there is none.
func (*Postgres) Database(context.Context) (string, error) { return "", errNoPostgres }

// Ask says that there is none.
func (*Postgres) Ask(context.Context, string, string) (string, error) { return "", errNoPostgres }

// Dump says that there is none.
func (*Postgres) Dump(context.Context, string) (string, error) { return "", errNoPostgres }

// Load says that there is none.
func (*Postgres) Load(context.Context, string, string) error { return errNoPostgres }

// Close does nothing.
func (*Postgres) Close() error { return nil }
