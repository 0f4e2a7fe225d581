package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store/database"
	"golang.org/x/mod/sumdb/tlog"
)

// sequencer is the advisory lock of whoever appends to the log, on PostgreSQL; on
// SQLite the one write lock does the same. The number says "intact" and which.
const sequencer = 0x696e74616374_01

// append is one transaction of the sequencer.
func (s *Store) append(ctx context.Context, ws []*wish) {
	if err := s.appendAll(ctx, ws); err != nil {
		for _, w := range ws {
			w.out, w.err = nil, err
		}
	}
}

func (s *Store) appendAll(ctx context.Context, ws []*wish) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if s.db.Pool != nil {
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(sequencer)); err != nil {
				return fmt.Errorf("wait for the sequencer: %w", err)
			}
		}
		b, err := s.newBatch(ctx, tx, ws)
		if err != nil {
			return err
		}
		for _, w := range ws {
			w.out = make([]Observed, len(w.observations))
			for i, o := range w.observations {
				if w.out[i], err = b.observe(o); err != nil {
					return err
				}
			}
		}
		return b.store(ctx, tx)
	})
}

// write runs do in a transaction whose statements see what others have committed.
func (s *Store) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	var o *sql.TxOptions
	if s.db.Pool != nil {
		// Whatever the server's default is: a snapshot from before the lock was taken
		// would be an old log.
		o = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return s.db.Durable(ctx, o, do)
}

// A state is the row of a tag.
type state struct {
	digest    ref.Digest
	last      Entry
	seen      time.Time
	platforms map[string]ref.Digest
	touched   bool
}

// A batch is what one transaction adds.
type batch struct {
	head   ledger.Checkpoint
	edge   *ledger.Edge
	tags   map[[2]string]*state
	leaves [][]any // rows
	hashes [][]any
}

func (s *Store) newBatch(ctx context.Context, tx *sql.Tx, ws []*wish) (*batch, error) {
	b := &batch{tags: map[[2]string]*state{}}
	var err error
	if b.head, b.edge, err = s.edge(ctx, tx); err != nil {
		return nil, err
	}
	var names []any
	for _, w := range ws {
		for _, o := range w.observations {
			key := [2]string{o.Repository, o.Tag}
			if b.tags[key] == nil {
				b.tags[key] = &state{last: Entry{Seq: -1}}
				names = append(names, o.Repository, o.Tag)
			}
		}
	}
	for len(names) > 0 {
		n := min(len(names)/2, rowsAtOnce)
		if err := b.read(ctx, tx, names[:2*n]); err != nil {
			return nil, err
		}
		names = names[2*n:]
	}
	return b, nil
}

// read reads the rows of tags.
func (b *batch) read(ctx context.Context, tx *sql.Tx, names []any) error {
	rows, err := tx.QueryContext(ctx, `SELECT t.digest, t.last_seen, t.platforms, l.seq, l.data
		FROM tags t JOIN leaves l ON l.seq = t.seq WHERE (t.repository, t.tag) IN (`+values(len(names)/2, 2)+`)`, names...)
	if err != nil {
		return fmt.Errorf("read tags: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		st := &state{}
		var seen int64
		var platforms string
		var data []byte
		if err := rows.Scan(&st.digest, &seen, &platforms, &st.last.Seq, &data); err != nil {
			return fmt.Errorf("read tags: %w", err)
		}
		if st.last.Transition, err = ledger.Decode(data); err != nil {
			return fmt.Errorf("%w: leaf %d: %w", ErrDamaged, st.last.Seq, err)
		}
		if st.last.To != st.digest {
			return fmt.Errorf("%w: %s:%s is %q by its row and %q by leaf %d", ErrDamaged, st.last.Repository, st.last.Tag, st.digest, st.last.To, st.last.Seq)
		}
		st.seen = database.Time(seen)
		if st.platforms, err = readPlatforms(platforms); err != nil {
			return fmt.Errorf("%w: platforms of %s:%s: %w", ErrDamaged, st.last.Repository, st.last.Tag, err)
		}
		b.tags[[2]string{st.last.Repository, st.last.Tag}] = st
	}
	return rows.Err()
}

// observe adds a leaf if o is a change.
func (b *batch) observe(o Observation) (Observed, error) {
	st := b.tags[[2]string{o.Repository, o.Tag}]
	if st.digest == o.Digest {
		if st.last.Seq >= 0 {
			st.touched = true
			if o.At.After(st.seen) {
				st.seen = o.At
			}
			if len(st.platforms) == 0 {
				st.platforms = o.Platforms
			}
		}
		return Observed{Entry: st.last}, nil
	}
	if o.Look.taken && st.last.Seq >= o.Look.size {
		return Observed{Entry: st.last, Err: fmt.Errorf("%s:%s: %w", o.Repository, o.Tag, ErrOutdated)}, nil
	}
	t := ledger.Transition{
		Repository: o.Repository, Tag: o.Tag, From: st.digest, To: o.Digest, At: o.At, Source: o.Source, Platforms: maps.Clone(o.Platforms),
	}
	leaf, err := t.Encode()
	if err != nil {
		return Observed{}, err
	}
	seq := b.edge.Size()
	hashes, err := b.edge.Append(leaf)
	if err != nil {
		return Observed{}, err
	}
	b.leaves = append(b.leaves, []any{seq, t.Repository, t.Tag, leaf})
	for i, h := range hashes {
		b.hashes = append(b.hashes, []any{tlog.StoredHashIndex(0, seq) + int64(i), h[:]})
	}
	*st = state{digest: o.Digest, last: Entry{seq, t}, seen: o.At, platforms: o.Platforms, touched: true}
	return Observed{Entry: st.last, Moved: true}, nil
}

// store writes what the batch has added.
func (b *batch) store(ctx context.Context, tx *sql.Tx) error {
	tree, err := b.edge.Tree()
	if err != nil {
		return err
	}
	var tags [][]any
	for key, st := range b.tags {
		if !st.touched {
			continue
		}
		platforms, err := writePlatforms(st.platforms)
		if err != nil {
			return err
		}
		tags = append(tags, []any{key[0], key[1], string(st.digest), st.last.Seq, database.Micros(st.seen), platforms})
	}
	for _, t := range []struct {
		into, tail string
		rows       [][]any
	}{
		{`INSERT INTO leaves (seq, repository, tag, data) `, ``, b.leaves},
		{`INSERT INTO hashes (idx, hash) `, ``, b.hashes},
		{`INSERT INTO tags (repository, tag, digest, seq, last_seen, platforms) `, ` ON CONFLICT (repository, tag) DO UPDATE SET
			digest = excluded.digest, seq = excluded.seq, last_seen = excluded.last_seen, platforms = excluded.platforms`, tags},
	} {
		if err := insert(ctx, tx, t.into, t.tail, t.rows); err != nil {
			return err
		}
	}
	if len(b.leaves) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE log SET size = $1, root = $2 WHERE id = 1`, tree.N, tree.Hash[:]); err != nil {
		return fmt.Errorf("write the head of the log: %w", err)
	}
	return nil
}

// insert inserts rows of equal width.
func insert(ctx context.Context, tx *sql.Tx, into, tail string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), rowsAtOnce)
		var args []any
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := tx.ExecContext(ctx, into+values(n, len(rows[0]))+tail, args...); err != nil {
			return fmt.Errorf("append to the log: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

func readPlatforms(text string) (map[string]ref.Digest, error) {
	if text == "" {
		return nil, nil
	}
	var out map[string]ref.Digest
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, err
	}
	return out, nil
}

func writePlatforms(p map[string]ref.Digest) (string, error) {
	if len(p) == 0 {
		return "", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}
