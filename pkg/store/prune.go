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

// pruneBatch is how many rows are dropped at a time: others write in between.
const pruneBatch = 1000

// replaced are verdicts that are not the last of their tag. What a tag was last
// told to be is needed to say what is news.
const replaced = `EXISTS (SELECT 1 FROM verdicts AS later WHERE later.repository = verdicts.repository AND later.tag = verdicts.tag AND later.id > verdicts.id)`

// Prune drops what is older than r says at now, and listings that have expired. The
// last verdict of a tag stays, with its report. What it dropped before an error is
// counted.
func (s *Store) Prune(ctx context.Context, r Retention, now time.Time) (Pruned, error) {
	var p Pruned
	for _, d := range []struct {
		n     *int64
		keep  time.Duration
		query string
	}{
		{&p.Verdicts, r.Verdicts, `DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE at < $1 AND ` + replaced + ` LIMIT $2)`},
		{&p.Reports, r.Reports, `UPDATE verdicts SET report = NULL WHERE id IN (SELECT id FROM verdicts WHERE at < $1 AND report IS NOT NULL AND ` + replaced + ` LIMIT $2)`},
		{&p.Happenings, r.Happenings, `DELETE FROM happenings WHERE id IN (SELECT id FROM happenings WHERE at < $1 LIMIT $2)`},
	} {
		for more := d.keep > 0; more; {
			n, err := s.count(ctx, d.query, now.Add(-d.keep), pruneBatch)
			if err != nil {
				return p, err
			}
			*d.n += n
			more = n == pruneBatch
		}
	}
	if _, err := s.count(ctx, `DELETE FROM drops WHERE at < $1`, now.Add(-dropsFor)); err != nil {
		return p, err
	}
	var err error
	p.Listings, err = s.count(ctx, `DELETE FROM listings WHERE expires <= $1`, now)
	return p, err
}

// count runs a statement about what is older than at and returns how many rows it
// changed.
func (s *Store) count(ctx context.Context, query string, at time.Time, more ...any) (n int64, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, query, append([]any{database.Micros(at)}, more...)...)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune %s: %w", s, err)
	}
	return n, nil
}
