package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store/database"
)

// By is what facts from a store name as their record.
const By = "ledger"

// A Now is what a tag means by the last record.
type Now struct {
	Repository, Tag string
	Digest          ref.Digest // "" = gone
	Platforms       map[string]ref.Digest
	Since           Entry     // the transition that made it so
	LastSeen        time.Time // when a registry last said so
}

// Now returns what a tag means by the last record; ok is false if it was never
// seen.
func (s *Store) Now(ctx context.Context, r ref.Ref) (n Now, ok bool, err error) {
	repository, tag := ledger.Name(r)
	n = Now{Repository: repository, Tag: tag}
	var seen int64
	var platforms string
	var data []byte
	err = s.db.Read.QueryRowContext(ctx, `SELECT t.digest, t.last_seen, t.platforms, l.seq, l.data
		FROM tags t JOIN leaves l ON l.seq = t.seq WHERE t.repository = $1 AND t.tag = $2`, repository, tag).
		Scan(&n.Digest, &seen, &platforms, &n.Since.Seq, &data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Now{}, false, nil
	case err != nil:
		return Now{}, false, fmt.Errorf("read %s:%s from %s: %w", repository, tag, s, err)
	}
	n.LastSeen = database.Time(seen)
	if n.Platforms, err = readPlatforms(platforms); err == nil {
		n.Since.Transition, err = ledger.Decode(data)
	}
	if err != nil {
		return Now{}, false, fmt.Errorf("read %s:%s from %s: %w: %w", repository, tag, s, ErrDamaged, err)
	}
	return n, true, nil
}

// Newest is before which number all entries are.
const Newest = math.MaxInt64

// History returns the transitions of a tag, newest first: those with a number
// below before ([Newest] = all), and at most limit of them (0 = all).
func (s *Store) History(ctx context.Context, r ref.Ref, before int64, limit int) ([]Entry, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	repository, tag := ledger.Name(r)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT seq, data FROM leaves
		WHERE repository = $1 AND tag = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4`, repository, tag, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s:%s from %s: %w", repository, tag, s, err)
	}
	defer func() { _ = rows.Close() }()
	var out []Entry
	for rows.Next() {
		var e Entry
		var data []byte
		if err := rows.Scan(&e.Seq, &data); err != nil {
			return nil, fmt.Errorf("read the history of %s:%s from %s: %w", repository, tag, s, err)
		}
		if e.Transition, err = ledger.Decode(data); err != nil {
			return nil, fmt.Errorf("read the history of %s:%s from %s: %w: leaf %d: %w", repository, tag, s, ErrDamaged, e.Seq, err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the history of %s:%s from %s: %w", repository, tag, s, err)
	}
	return out, nil
}

// maxEarlier is how many transitions of a tag a fact looks back: a tag that moves
// every day is followed for years.
const maxEarlier = 1000

// TagHistory is what the ledger knows about the tag of r, for the checks: Absent
// only if it was never seen; a store that cannot be read is Unknown.
func (s *Store) TagHistory(ctx context.Context, r ref.Ref) fact.Value[fact.TagHistory] {
	return s.TagHistoryBefore(ctx, r, Newest)
}

// TagHistoryBefore is TagHistory as it was before the transition with the number
// seq was recorded, so that a change is judged the same whenever it is judged.
func (s *Store) TagHistoryBefore(ctx context.Context, r ref.Ref, seq int64) fact.Value[fact.TagHistory] {
	if r.Name == "" {
		return fact.None[fact.TagHistory]()
	}
	entries, err := s.History(ctx, r, seq, maxEarlier)
	if err != nil {
		return fact.Missing[fact.TagHistory](causeOf(err), err.Error())
	}
	var now Now
	if seq == Newest && len(entries) > 0 {
		// Platforms may have become known after the tag was first seen.
		if now, _, err = s.Now(ctx, r); err != nil {
			return fact.Missing[fact.TagHistory](causeOf(err), err.Error())
		}
	}
	_, tag := ledger.Name(r)
	h := fact.TagHistory{By: By, Tag: tag}
	for i, e := range entries {
		p := fact.Past{Digest: e.To, Platforms: e.Platforms, At: e.At}
		if now.Digest == e.To && now.Since.Seq == e.Seq {
			p.Platforms = now.Platforms
		}
		switch {
		case e.To == "" && i == 0:
			h.Gone = e.At
		case e.To == "":
		case h.Before.Digest == "":
			h.Before = p
		case len(h.Earlier) == 0 && h.Before.Digest == e.To, len(h.Earlier) > 0 && h.Earlier[len(h.Earlier)-1].Digest == e.To:
			// It was gone in between.
		default:
			h.Earlier = append(h.Earlier, p)
		}
	}
	if h.Before.Digest == "" {
		return fact.None[fact.TagHistory]()
	}
	return fact.Of(h)
}

// causeOf says why the store was not read.
func causeOf(err error) fact.Cause {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fact.Deadline
	case errors.Is(err, context.Canceled):
		return fact.Cancelled
	}
	return fact.Internal
}

// Tags returns what the tags of a repository mean by the last record; tags that
// are gone are left out.
func (s *Store) Tags(ctx context.Context, repository string) (map[string]ref.Digest, error) {
	name, _ := ledger.Name(ref.Ref{Name: repository})
	out := map[string]ref.Digest{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var tag string
		var digest ref.Digest
		if err := rows.Scan(&tag, &digest); err != nil {
			return err
		}
		out[tag] = digest
		return nil
	}, `SELECT tag, digest FROM tags WHERE repository = $1 AND digest <> ''`, name)
	if err != nil {
		return nil, fmt.Errorf("read the tags of %q from %s: %w", repository, s, err)
	}
	return out, nil
}

// Repositories returns the canonical names of all repositories that have, or had,
// a tag, sorted by bytes.
func (s *Store) Repositories(ctx context.Context) ([]string, error) {
	var out []string
	err := s.each(ctx, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		out = append(out, name)
		return nil
	}, `SELECT DISTINCT repository FROM tags`)
	if err != nil {
		return nil, fmt.Errorf("read the repositories of %s: %w", s, err)
	}
	slices.Sort(out)
	return out, nil
}

// each calls do with every row of a query.
func (s *Store) each(ctx context.Context, do func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
