package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// A State is what a part of the service remembers between two of its runs, such
// as the last inventory of a place. There is one of a name, the last.
type State struct {
	Data    []byte
	Changed time.Time
}

// State returns the state of that name; a zero State if there is none.
func (s *Store) State(ctx context.Context, name string) (State, error) {
	var data []byte
	var changed int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT data, changed FROM states WHERE name = $1`, name).Scan(&data, &changed)
	if errors.Is(err, sql.ErrNoRows) {
		return State{}, nil
	}
	if err == nil {
		data, err = unpack(data)
	}
	if err != nil {
		return State{}, fmt.Errorf("read state %q from %s: %w", name, s, err)
	}
	return State{Data: data, Changed: database.Time(changed)}, nil
}

// SetState replaces the state of that name.
func (s *Store) SetState(ctx context.Context, name string, data []byte, at time.Time) error {
	if err := s.write(ctx, func(tx *sql.Tx) error { return SetStateTx(ctx, tx, name, data, at) }); err != nil {
		return fmt.Errorf("write state %q to %s: %w", name, s, err)
	}
	return nil
}

// SetStateTx is SetState as part of a transaction of the store's database.
func SetStateTx(ctx context.Context, tx *sql.Tx, name string, data []byte, at time.Time) error {
	packed, err := pack(data)
	if err != nil {
		return fmt.Errorf("state %q: %w", name, err)
	}
	if packed == nil {
		packed = []byte{}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO states (name, data, changed) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET data = excluded.data, changed = excluded.changed`, name, packed, database.Micros(at))
	return err
}
