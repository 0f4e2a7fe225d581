// Package store is where observations are kept: the ledger of tags, what was
// judged and what happened, in an SQLite file or in PostgreSQL. The ledger is a
// Merkle log (package ledger) to which one writer at a time appends, whichever of
// several replicas it is in; its leaves are never changed or deleted. All else is
// dropped when it is old (see [Store.Prune]).
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/store/database"
	"golang.org/x/mod/sumdb/tlog"
)

// A Store is an open store. It may be used concurrently, and several may be open
// on one database.
type Store struct {
	db     *database.DB
	origin string
	queue  queue
}

// Options of [Open].
type Options struct {
	// Create makes a new store where there is none. Without it that is an error, so
	// that a store that was lost is not replaced in silence by one that has never
	// seen anything: set it only where somebody asked for a new one.
	Create bool
}

// Errors of [Open], wrapped.
var (
	// ErrNone is that there is no store at the place named.
	ErrNone = errors.New("there is no store: make one with intact store init, or restore a backup")
	// ErrDamaged is that what is there is not all of a store, or not one at all.
	ErrDamaged = errors.New("it is damaged, or no store of intact: restore a backup, or begin a new one elsewhere")
)

// Open opens the store at where: a postgres:// URL or the path of an SQLite file,
// in a folder that is there. Its tables are brought up to date; those of a newer
// version are an error. The end of the log is compared with its tree at once,
// which finds a log that was cut off; [Store.Verify] looks at all of it.
func Open(ctx context.Context, where string, o Options) (*Store, error) {
	if file, ok := database.File(where); ok {
		if err := haveFile(ctx, file, o); err != nil {
			return nil, err
		}
	}
	db, err := database.Open(ctx, where)
	switch {
	case database.Damaged(err):
		return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
	case err != nil:
		return nil, err
	}
	s, err := openIn(ctx, db, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func openIn(ctx context.Context, db *database.DB, o Options) (*Store, error) {
	used, err := db.Migrated(ctx)
	switch {
	case database.Damaged(err):
		return nil, fmt.Errorf("open store %s: %w: %w", db, err, ErrDamaged)
	case err != nil:
		return nil, fmt.Errorf("open store %s: %w", db, err)
	case !used && db.File != "":
		return nil, fmt.Errorf("open store %s: %w", db, ErrDamaged)
	case !used && !o.Create:
		return nil, fmt.Errorf("open store %s: %w", db, ErrNone)
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if o.Create {
		if err := begin(ctx, db); err != nil {
			return nil, err
		}
	}
	s := &Store{db: db}
	head, err := s.head(ctx, db.Read)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", db, err)
	}
	s.origin = head.Origin
	s.queue.run = s.append
	s.queue.start()
	return s, nil
}

// begin gives a store without leaves its log. Of several that try, one does.
func begin(ctx context.Context, db *database.DB) error {
	var number [16]byte
	_, _ = rand.Read(number[:]) // never fails
	empty, err := tlog.TreeHash(0, nil)
	if err == nil {
		_, err = db.Write.ExecContext(ctx, `INSERT INTO log (id, origin, size, root)
			SELECT 1, $1, 0, $2 WHERE NOT EXISTS (SELECT 1 FROM leaves) ON CONFLICT DO NOTHING`,
			ledger.OriginPrefix+hex.EncodeToString(number[:]), empty[:])
	}
	if err != nil {
		return fmt.Errorf("begin the log of store %s: %w", db, err)
	}
	return nil
}

// Close ends what is being written and closes the database.
func (s *Store) Close() error {
	s.queue.stop()
	return s.db.Close()
}

// String says which store it is, without a password.
func (s *Store) String() string { return s.db.String() }

// Database is the database of the store, for what keeps its own tables there. It
// is closed with the store.
func (s *Store) Database() *database.DB { return s.db }

// A querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// head reads what the log is, and compares it with the end of the tree that is
// stored.
func (s *Store) head(ctx context.Context, q querier) (ledger.Checkpoint, error) {
	c, _, err := s.edge(ctx, q)
	return c, err
}

func (s *Store) edge(ctx context.Context, q querier) (ledger.Checkpoint, *ledger.Edge, error) {
	var c ledger.Checkpoint
	var root []byte
	var leaves int64
	err := q.QueryRowContext(ctx, `SELECT origin, size, root, (SELECT coalesce(max(seq), -1) + 1 FROM leaves) FROM log WHERE id = 1`).
		Scan(&c.Origin, &c.N, &root, &leaves)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, nil, fmt.Errorf("%w: it does not say which log it holds", ErrDamaged)
	case err != nil:
		return c, nil, fmt.Errorf("read the head of the log: %w", err)
	case len(root) != tlog.HashSize || c.N < 0:
		return c, nil, fmt.Errorf("%w: the head of the log is no tree", ErrDamaged)
	case leaves != c.N:
		return c, nil, fmt.Errorf("%w: the log ends with leaf %d, and should end with leaf %d", ErrDamaged, leaves-1, c.N-1)
	}
	c.Hash = tlog.Hash(root)
	e, err := ledger.ReadEdge(c.N, hashes{ctx, q})
	if err != nil {
		return c, nil, err
	}
	tree, err := e.Tree()
	if err != nil {
		return c, nil, err
	}
	if tree.Hash != c.Hash {
		return c, nil, fmt.Errorf("%w: the stored hashes at the end of the log give the root %s, and its head says %s", ErrDamaged, tree.Hash, c.Hash)
	}
	return c, e, nil
}

// Head is what the log is now.
func (s *Store) Head(ctx context.Context) (ledger.Checkpoint, error) { return s.head(ctx, s.db.Read) }

// haveFile makes the file of a store where there is none, if that is asked for. It
// appears at once with its tables in it, so that a file without them is always a
// damaged one.
func haveFile(ctx context.Context, file string, o Options) error {
	switch info, err := os.Stat(file); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("open store %q: not a file", file)
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("open store: %w", err)
	case !o.Create:
		return fmt.Errorf("open store %q: %w", file, ErrNone)
	}
	err := database.Place(file, func(temporary string) error {
		db, err := database.Open(ctx, temporary)
		if err != nil {
			return err
		}
		if err = db.Migrate(ctx); err == nil {
			err = begin(ctx, db)
		}
		return errors.Join(err, db.Close())
	})
	if _, there := os.Stat(file); there == nil && errors.Is(err, os.ErrExist) {
		return nil // somebody else was faster
	}
	return err
}
