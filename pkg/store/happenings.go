package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// A Happening is something that others may want to hear of: an event of the API.
type Happening struct {
	ID int64 // given by the store, ascending in the order of commits
	// Key makes it one, if set: a second one with the same is not recorded.
	Key     string
	Type    string // "tag.moved", "verdict.denied"
	Subject string // what it is about: "ghcr.io/acme/api:1.4.2"
	At      time.Time
	Data    json.RawMessage // nil = none
}

// AddHappenings records hs in one transaction.
func (s *Store) AddHappenings(ctx context.Context, hs ...Happening) error {
	if len(hs) == 0 {
		return nil
	}
	if err := s.write(ctx, func(tx *sql.Tx) error { return addHappenings(ctx, tx, hs) }); err != nil {
		return fmt.Errorf("record what happened in %s: %w", s, err)
	}
	return nil
}

func addHappenings(ctx context.Context, tx *sql.Tx, hs []Happening) error {
	for _, h := range hs {
		id, err := next(ctx, tx, "happenings")
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO happenings (id, key, type, subject, at, data)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING`,
			id, null(h.Key), h.Type, h.Subject, database.Micros(h.At), string(h.Data)); err != nil {
			return fmt.Errorf("happening %q of %q: %w", h.Type, h.Subject, err)
		}
	}
	return nil
}

// A HappeningFilter says which happenings are meant. Zero fields say nothing.
type HappeningFilter struct {
	Type, Subject string
	After         int64 // only those with a greater number: what is new since
	Limit         int   // 0 = 100
}

// Happenings returns what happened, oldest first. Numbers ascend, with gaps; who
// asks again with the last one that it got misses nothing.
func (s *Store) Happenings(ctx context.Context, f HappeningFilter) ([]Happening, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	query, args := `SELECT id, coalesce(key, ''), type, subject, at, data FROM happenings WHERE id > $1`, []any{f.After}
	for _, c := range []struct{ column, value string }{{"type", f.Type}, {"subject", f.Subject}} {
		if c.value != "" {
			args = append(args, c.value)
			query += fmt.Sprintf(" AND %s = $%d", c.column, len(args))
		}
	}
	args = append(args, f.Limit)
	var out []Happening
	err := s.each(ctx, func(rows *sql.Rows) error {
		h, err := scanHappening(rows)
		out = append(out, h)
		return err
	}, fmt.Sprintf("%s ORDER BY id LIMIT $%d", query, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read what happened from %s: %w", s, err)
	}
	return out, nil
}

// LastHappening is the greatest number so far; 0 if nothing happened.
func (s *Store) LastHappening(ctx context.Context) (id int64, err error) {
	if err = s.db.Read.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM happenings`).Scan(&id); err != nil {
		return 0, fmt.Errorf("read what happened last from %s: %w", s, err)
	}
	return id, nil
}

// Happening returns one happening, or [ErrNotFound].
func (s *Store) Happening(ctx context.Context, id int64) (Happening, error) {
	h, err := scanHappening(s.db.Read.QueryRowContext(ctx, `SELECT id, coalesce(key, ''), type, subject, at, data FROM happenings WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Happening{}, fmt.Errorf("happening %d in %s: %w", id, s, err)
	}
	return h, nil
}

func scanHappening(row interface{ Scan(...any) error }) (Happening, error) {
	var h Happening
	var at int64
	var data string
	err := row.Scan(&h.ID, &h.Key, &h.Type, &h.Subject, &at, &data)
	h.At = database.Time(at)
	if data != "" {
		h.Data = json.RawMessage(data)
	}
	return h, err
}
