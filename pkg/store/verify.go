package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/mod/sumdb/tlog"
)

// maxFaults is how many faults are told one by one.
const maxFaults = 100

// A Verification is what the whole log turned out to be.
type Verification struct {
	Checkpoint ledger.Checkpoint // by the leaves alone, whatever is stored beside them
	Tags       int               // that are or were there
	Faults     []ledger.Fault    // the first hundred
	More       int               // faults beyond those
}

// OK reports that nothing was found.
func (v *Verification) OK() bool { return len(v.Faults) == 0 }

func (v *Verification) fault(leaf int64, format string, args ...any) {
	if len(v.Faults) == maxFaults {
		v.More++
		return
	}
	v.Faults = append(v.Faults, ledger.Fault{Leaf: leaf, Why: fmt.Sprintf(format, args...)})
}

// Verify reads the whole log: every leaf and every hash, the root, that each
// transition begins where the one before ended, and that the tags are what the log
// says. If kept is not nil, the log must begin with the leaves of that checkpoint.
// What does not hold is in the result; an error is that not all could be read. It
// works on one state of the database while others write.
func (s *Store) Verify(ctx context.Context, kept *ledger.Checkpoint) (*Verification, error) {
	tx, err := s.db.Read.BeginTx(ctx, s.snapshot())
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", s, err)
	}
	defer func() { _ = tx.Rollback() }()
	v := &Verification{}
	if err := s.verify(ctx, tx, v, kept); err != nil {
		return nil, fmt.Errorf("verify %s: %w", s, err)
	}
	return v, nil
}

// snapshot is a transaction that sees one state throughout; on SQLite each does.
func (s *Store) snapshot() *sql.TxOptions {
	if s.db.Pool == nil {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

func (s *Store) verify(ctx context.Context, tx *sql.Tx, v *Verification, kept *ledger.Checkpoint) error {
	var size int64
	var root []byte
	err := tx.QueryRowContext(ctx, `SELECT origin, size, root FROM log WHERE id = 1`).Scan(&v.Checkpoint.Origin, &size, &root)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.fault(-1, "the store does not say which log it holds")
	case err != nil:
		return err
	}
	var l ledger.Verifier
	last := map[[2]string]int64{} // leaf of each tag
	if err := verifyLeaves(ctx, tx, v, &l, last, kept); err != nil {
		return err
	}
	if v.Checkpoint.Tree, err = l.Tree(); err != nil {
		return err
	}
	switch {
	case v.Checkpoint.N < size:
		v.fault(-1, "the log has %d leaves, and should have %d: its end is missing", v.Checkpoint.N, size)
	case v.Checkpoint.N > size:
		v.fault(-1, "the log has %d leaves, and should have %d: its end was not logged", v.Checkpoint.N, size)
	case string(root) != string(v.Checkpoint.Hash[:]):
		v.fault(-1, "the leaves give the root %s, and the store says %s", v.Checkpoint.Hash, base64.StdEncoding.EncodeToString(root))
	}
	v.Tags = len(l.Now())
	if kept != nil {
		v.compare(*kept)
	}
	return verifyTags(ctx, tx, v, l.Now(), last)
}

// pageSize is how many leaves are held at a time.
const pageSize = 500

// A row of the leaves.
type row struct {
	seq             int64
	repository, tag string
	data            []byte
}

// verifyLeaves goes through leaves and hashes side by side.
func verifyLeaves(ctx context.Context, tx *sql.Tx, v *Verification, l *ledger.Verifier, last map[[2]string]int64, kept *ledger.Checkpoint) error {
	for from := int64(math.MinInt64); ; {
		page, err := readLeaves(ctx, tx, from)
		if err != nil {
			return err
		}
		stored, err := readHashes(ctx, tx, l.Size(), int64(len(page)))
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := v.at(l, kept); err != nil {
				return err
			}
			n := l.Size()
			if r.seq != n {
				v.fault(n, "it is missing: leaf %d is next", r.seq)
			}
			first, count := tlog.StoredHashIndex(0, n), ledger.Hashes(n)
			var hashes []tlog.Hash
			for i := range count {
				if h, ok := stored[first+int64(i)]; ok {
					hashes = append(hashes, h)
				}
			}
			t, faults := l.Add(r.data, hashes)
			for _, f := range faults {
				v.fault(f.Leaf, "%s", f.Why)
			}
			if t.Tag != "" && (t.Repository != r.repository || t.Tag != r.tag) {
				v.fault(n, "it is of %s:%s, and found by %s:%s", t.Repository, t.Tag, r.repository, r.tag)
			}
			if t.Tag != "" {
				last[[2]string{t.Repository, t.Tag}] = r.seq
			}
			from = r.seq + 1
		}
		if len(page) < pageSize {
			break
		}
	}
	var hashes int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM hashes`).Scan(&hashes); err != nil {
		return err
	}
	if want := tlog.StoredHashCount(l.Size()); hashes != want {
		v.fault(-1, "%d hashes are stored, and %d leaves have %d", hashes, l.Size(), want)
	}
	return v.at(l, kept)
}

func readLeaves(ctx context.Context, tx *sql.Tx, from int64) ([]row, error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, repository, tag, data FROM leaves WHERE seq >= $1 ORDER BY seq LIMIT $2`, from, pageSize)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.repository, &r.tag, &r.data); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// readHashes reads what is stored for the count leaves from number n on. One that
// is no hash is as good as missing.
func readHashes(ctx context.Context, tx *sql.Tx, n, count int64) (map[int64]tlog.Hash, error) {
	rows, err := tx.QueryContext(ctx, `SELECT idx, hash FROM hashes WHERE idx >= $1 AND idx < $2`, tlog.StoredHashCount(n), tlog.StoredHashCount(n+count))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[int64]tlog.Hash{}
	for rows.Next() {
		var index int64
		var b []byte
		if err := rows.Scan(&index, &b); err != nil {
			return nil, err
		}
		if len(b) == tlog.HashSize {
			out[index] = tlog.Hash(b)
		}
	}
	return out, rows.Err()
}

// at compares the tree with the kept checkpoint when it has as many leaves.
func (v *Verification) at(l *ledger.Verifier, kept *ledger.Checkpoint) error {
	if kept == nil || kept.Origin != v.Checkpoint.Origin || kept.N != l.Size() {
		return nil
	}
	tree, err := l.Tree()
	if err == nil && kept.Hash != tree.Hash {
		v.fault(-1, "%s: its first %d leaves give the root %s, not %s", ledger.ErrRewritten, kept.N, tree.Hash, kept.Hash)
	}
	return err
}

func (v *Verification) compare(kept ledger.Checkpoint) {
	switch {
	case kept.Origin != v.Checkpoint.Origin:
		v.fault(-1, "%s: it is of %s, this is %s", ledger.ErrOtherLog, kept.Origin, v.Checkpoint.Origin)
	case kept.N > v.Checkpoint.N:
		v.fault(-1, "%s: %d of %d", ledger.ErrTruncated, kept.N-v.Checkpoint.N, kept.N)
	}
}

// verifyTags compares the rows of the tags with what the log says: their digest,
// which leaf is their last, on which it depends what a tag is compared with, and
// the platforms if that has any.
func verifyTags(ctx context.Context, tx *sql.Tx, v *Verification, want map[[2]string]ref.Digest, last map[[2]string]int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT t.repository, t.tag, t.digest, t.seq, t.platforms, l.data FROM tags t LEFT JOIN leaves l ON l.seq = t.seq`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	seen := 0
	for rows.Next() {
		var key [2]string
		var digest ref.Digest
		var seq int64
		var platforms string
		var leaf []byte
		if err := rows.Scan(&key[0], &key[1], &digest, &seq, &platforms, &leaf); err != nil {
			return err
		}
		switch d, ok := want[key]; {
		case !ok:
			v.fault(-1, "%s:%s is kept as a tag, and the log has never seen it", key[0], key[1])
			continue
		case d != digest:
			v.fault(-1, "%s:%s is kept as %q, and the log leaves it at %q", key[0], key[1], digest, d)
		case seq != last[key]:
			v.fault(-1, "%s:%s is kept as of leaf %d, and leaf %d is its last", key[0], key[1], seq, last[key])
		default:
			// A leaf that cannot be decoded was told of.
			kept, err := readPlatforms(platforms)
			if t, broken := ledger.Decode(leaf); broken == nil && (err != nil || len(t.Platforms) > 0 && !maps.Equal(kept, t.Platforms)) {
				v.fault(-1, "%s:%s is kept with other platforms than leaf %d has", key[0], key[1], seq)
			}
		}
		seen++
	}
	if seen < len(want) {
		v.fault(-1, "%d tags of the log are not kept as tags", len(want)-seen)
	}
	return rows.Err()
}
