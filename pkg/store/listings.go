package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store/database"
)

// How long a listing of what hangs from a digest is believed: a signature that was
// found stays, one that was not may be pushed any moment.
const (
	FoundFor    = 5 * time.Minute
	NotFoundFor = 30 * time.Second
)

// A ListingKey is what was asked: what one credential is shown another may not be.
type ListingKey struct {
	Repository string
	Digest     ref.Digest
	Form       string // of the question: what hangs from a digest is looked for in several ways
	Credential string // a name for it or a hash, never the secret; "" = anonymous
}

// who is the last column of the key.
func (k ListingKey) who() string {
	if k.Form == "" {
		return k.Credential
	}
	return k.Form + " " + k.Credential
}

// PutListing keeps the answer to a question that was asked at the time asked:
// for [FoundFor] if anything was found, else for [NotFoundFor]. It keeps nothing,
// and old is true, if listings of the digest were dropped since.
func (s *Store) PutListing(ctx context.Context, k ListingKey, data []byte, found bool, asked time.Time) (old bool, err error) {
	keep := NotFoundFor
	if found {
		keep = FoundFor
	}
	if data == nil {
		data = []byte{} // null is no answer
	}
	r, err := s.db.Write.ExecContext(ctx, `INSERT INTO listings (repository, digest, credential, data, expires)
		SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM drops WHERE repository = $1 AND (digest = $2 OR digest = '') AND at >= $6)
		ON CONFLICT (repository, digest, credential) DO UPDATE SET data = excluded.data, expires = excluded.expires`,
		k.Repository, string(k.Digest), k.who(), data, database.Micros(asked.Add(keep)), database.Micros(asked))
	var kept int64
	if err == nil {
		kept, err = r.RowsAffected()
	}
	if err != nil {
		return false, fmt.Errorf("keep listing of %s@%s in %s: %w", k.Repository, k.Digest, s, err)
	}
	return kept == 0, nil
}

// Listing returns what was kept and has not expired by now. ok is false if there
// is nothing. What expires later than anything put now would was put before the
// clock was put back, and is not believed.
func (s *Store) Listing(ctx context.Context, k ListingKey, now time.Time) (data []byte, ok bool, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT data FROM listings WHERE repository = $1 AND digest = $2 AND credential = $3 AND expires > $4 AND expires <= $5`,
		k.Repository, string(k.Digest), k.who(), database.Micros(now), database.Micros(now.Add(FoundFor))).Scan(&data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read listing of %s@%s from %s: %w", k.Repository, k.Digest, s, err)
	}
	return data, true, nil
}

// DropListings forgets what is kept about a digest, or if it is "" about all of the
// repository, for all credentials, and what was asked before now and is not put
// yet: something was pushed.
func (s *Store) DropListings(ctx context.Context, repository string, digest ref.Digest, now time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO drops (repository, digest, at) VALUES ($1, $2, $3)
			ON CONFLICT (repository, digest) DO UPDATE SET at = excluded.at WHERE excluded.at > drops.at`,
			repository, string(digest), database.Micros(now)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM listings WHERE repository = $1 AND (digest = $2 OR $2 = '')`, repository, string(digest))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop listings of %s@%s in %s: %w", repository, digest, s, err)
	}
	return nil
}
