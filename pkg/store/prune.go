package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// A Retention is for how long things are kept. 0 = for ever. The ledger is not
// among them: its leaves are never dropped.
type Retention struct {
	Reports    time.Duration // the whole reports of verdicts
	Verdicts   time.Duration // verdicts with all that is left of them
	Happenings time.Duration
}

// Pruned counts what was dropped.
type Pruned struct {
	Reports, Verdicts, Happenings, Listings int64
}

// dropsFor is how long a dropped listing is remembered: longer than any question
// to a registry takes.
const dropsFor = 24 * time.Hour

// Prune drops what is older than r says at now, and listings that have expired.
func (s *Store) Prune(ctx context.Context, r Retention, now time.Time) (Pruned, error) {
	var p Pruned
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, d := range []struct {
			n     *int64
			keep  time.Duration
			query string
		}{
			{&p.Verdicts, r.Verdicts, `DELETE FROM verdicts WHERE at < $1`},
			{&p.Reports, r.Reports, `UPDATE verdicts SET report = NULL WHERE at < $1 AND report IS NOT NULL`},
			{&p.Happenings, r.Happenings, `DELETE FROM happenings WHERE at < $1`},
			{new(int64), dropsFor, `DELETE FROM drops WHERE at < $1`},
		} {
			if d.keep <= 0 {
				continue
			}
			if err := count(ctx, tx, d.n, d.query, now.Add(-d.keep)); err != nil {
				return err
			}
		}
		return count(ctx, tx, &p.Listings, `DELETE FROM listings WHERE expires <= $1`, now)
	})
	if err != nil {
		return Pruned{}, fmt.Errorf("prune %s: %w", s, err)
	}
	return p, nil
}

func count(ctx context.Context, tx *sql.Tx, n *int64, query string, at time.Time) error {
	r, err := tx.ExecContext(ctx, query, database.Micros(at))
	if err != nil {
		return err
	}
	*n, err = r.RowsAffected()
	return err
}
