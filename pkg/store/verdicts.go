package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store/database"
)

// A Verdict is one judging, kept as history: it is never taken for an answer to a
// new question.
type Verdict struct {
	ID int64 // given by the store, ascending
	// Key of the task that judged, if any: a second verdict with the same is not
	// recorded.
	Key             string
	Repository, Tag string // canonical; Tag "" = judged by digest
	Digest          ref.Digest
	Decision        string // "allow", "warn", "deny", "undecided"
	Policy          string // the digest of the policy
	At              time.Time
	Source          string
	Summary         json.RawMessage // what was found, in short; nil = nothing was kept
	// Report is the whole report. Lists leave it out, and it is dropped when it is
	// old.
	Report []byte
}

// ErrNotFound is that there is no such record, or not any more.
var ErrNotFound = errors.New("not found")

// AddVerdict records v and what happened with it in one transaction, and returns
// the number of v. If a verdict with its key is there already, nothing is recorded
// and the number is that one's.
func (s *Store) AddVerdict(ctx context.Context, v Verdict, hs ...Happening) (id int64, err error) {
	report, err := pack(v.Report)
	if err != nil {
		return 0, fmt.Errorf("record verdict in %s: %w", s, err)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if id, err = next(ctx, tx, "verdicts"); err != nil {
			return err
		}
		// The counter's row is locked: nobody else adds one now.
		var there int64
		switch err := tx.QueryRowContext(ctx, `SELECT id FROM verdicts WHERE key = $1`, null(v.Key)).Scan(&there); {
		case err == nil:
			id = there
			return errThere
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO verdicts (id, key, repository, tag, digest, decision, policy, at, source, summary, report)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			id, null(v.Key), v.Repository, v.Tag, string(v.Digest), v.Decision, v.Policy, database.Micros(v.At), v.Source, string(v.Summary), report); err != nil {
			return err
		}
		return addHappenings(ctx, tx, hs)
	})
	if errors.Is(err, errThere) {
		return id, nil
	}
	if err != nil {
		return 0, fmt.Errorf("record verdict of %s in %s: %w", v.Digest, s, err)
	}
	return id, nil
}

// errThere ends a transaction that has nothing to add.
var errThere = errors.New("recorded already")

// next takes the next number of a counter. Its row stays locked until the
// transaction ends.
func next(ctx context.Context, tx *sql.Tx, counter string) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, counter).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("number %s: %w", counter, err)
	}
	return n, nil
}

// null is a text of which "" is none.
func null(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// A VerdictFilter says which verdicts are meant. Zero fields say nothing.
type VerdictFilter struct {
	Repository, Tag string
	Digest          ref.Digest
	ByDigest        bool  // only those that were judged by digest, without a tag
	Before          int64 // only those with a smaller number: the next page
	Limit           int   // 0 = 100
}

const verdictColumns = `SELECT id, coalesce(key, ''), repository, tag, digest, decision, policy, at, source, summary`

// Verdicts returns verdicts, newest first, without their reports.
func (s *Store) Verdicts(ctx context.Context, f VerdictFilter) ([]Verdict, error) {
	if f.Before <= 0 {
		f.Before = Newest
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	query, args := verdictColumns+` FROM verdicts WHERE id < $1`, []any{f.Before}
	for _, c := range []struct{ column, value string }{{"repository", f.Repository}, {"tag", f.Tag}, {"digest", string(f.Digest)}} {
		if c.value != "" {
			args = append(args, c.value)
			query += fmt.Sprintf(" AND %s = $%d", c.column, len(args))
		}
	}
	if f.ByDigest {
		query += " AND tag = ''"
	}
	args = append(args, f.Limit)
	var out []Verdict
	err := s.each(ctx, func(rows *sql.Rows) error {
		v, err := scanVerdict(rows)
		out = append(out, v)
		return err
	}, fmt.Sprintf("%s ORDER BY id DESC LIMIT $%d", query, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read verdicts from %s: %w", s, err)
	}
	return out, nil
}

// Verdict returns one verdict with its report, or [ErrNotFound].
func (s *Store) Verdict(ctx context.Context, id int64) (Verdict, error) {
	var report []byte
	v, err := scanVerdict(s.db.Read.QueryRowContext(ctx, verdictColumns+`, report FROM verdicts WHERE id = $1`, id), &report)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Verdict{}, fmt.Errorf("verdict %d in %s: %w", id, s, ErrNotFound)
	case err == nil:
		v.Report, err = unpack(report)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("read verdict %d from %s: %w", id, s, err)
	}
	return v, nil
}

// VerdictOf returns the verdict with a key with its report, or [ErrNotFound].
func (s *Store) VerdictOf(ctx context.Context, key string) (Verdict, error) {
	var id int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT id FROM verdicts WHERE key = $1`, key).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Verdict{}, fmt.Errorf("verdict %q in %s: %w", key, s, ErrNotFound)
	case err != nil:
		return Verdict{}, fmt.Errorf("read verdict %q from %s: %w", key, s, err)
	}
	return s.Verdict(ctx, id)
}

func scanVerdict(row interface{ Scan(...any) error }, more ...any) (Verdict, error) {
	var v Verdict
	var at int64
	var summary string
	err := row.Scan(append([]any{&v.ID, &v.Key, &v.Repository, &v.Tag, &v.Digest, &v.Decision, &v.Policy, &at, &v.Source, &summary}, more...)...)
	v.At = database.Time(at)
	if summary != "" {
		v.Summary = json.RawMessage(summary)
	}
	return v, err
}

// pack compresses a report; of none it is nil.
func pack(report []byte) ([]byte, error) {
	if len(report) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed) // written far more often than read
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(report); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: report: %w", ErrDamaged, err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%w: report: %w", ErrDamaged, err)
	}
	return out, nil
}
