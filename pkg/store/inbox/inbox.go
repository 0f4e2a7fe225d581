// Package inbox keeps deliveries of webhooks from the moment they are acknowledged
// until the tasks that they ask for are wanted.
//
// On SQLite it is a file of its own beside the store, so that an acknowledgement
// waits for one small append and not for what the store is busy with; on
// PostgreSQL it is a table. What [Inbox.Accept] took is on the disk, is handed on
// once, and is recognised if it comes again.
package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A Delivery is one request of a sender that was authenticated and understood.
type Delivery struct {
	Endpoint string
	// Key names the delivery among those of its endpoint: a repeated one has the
	// same. At most 1024 bytes of UTF-8.
	Key      string
	Received time.Time // zero is now
	Events   json.RawMessage
}

// Options of [Open]; the zero value is fit for production.
type Options struct {
	Log   *slog.Logger  // nil logs nothing
	Limit int           // deliveries that may wait; 100,000. On PostgreSQL of all replicas together, counted every second
	Keep  time.Duration // how long a delivery is recognised after it was received; 7 days
}

// Errors of [Inbox.Accept].
var (
	// ErrFull is that too many deliveries wait. The sender should come again.
	ErrFull   = errors.New("the inbox is full")
	ErrClosed = errors.New("the inbox is closed")
)

// backend is where deliveries are.
type backend interface {
	// insert commits deliveries of different keys and says which are new.
	insert(ctx context.Context, d []Delivery) (fresh []bool, err error)
	// move hands a batch to f, which wants the tasks in tx, and remembers that.
	move(ctx context.Context, q *jobs.Queue, f translate) (moved int, err error)
	waiting(ctx context.Context) (n int, oldest time.Time, err error)
	refused(ctx context.Context) (n int, err error)
	prune(ctx context.Context, before time.Time) (more bool, err error)
	// try writes and forgets something.
	try(ctx context.Context) error
	close() error
}

// An Inbox takes deliveries. It may be used concurrently.
type Inbox struct {
	b    backend
	o    Options
	log  *slog.Logger
	name string

	requests chan *request
	wake     chan struct{} // a delivery came
	waiting  atomic.Int64
	unsure   atomic.Bool // of the count
	failed   atomic.Bool // the last commit
	shared   bool        // others take and move deliveries, too
	meter    meter

	closing chan struct{}
	closed  chan struct{} // nothing is written any more
	once    sync.Once
}

// Open opens the inbox of a store whose tables are up to date.
func Open(ctx context.Context, db *database.DB, o Options) (*Inbox, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Limit == 0 {
		o.Limit = 100_000
	}
	if o.Keep == 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	b := &Inbox{
		o: o, log: o.Log, name: db.String(), shared: db.Pool != nil,
		requests: make(chan *request, batch), wake: make(chan struct{}, 1), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	if db.Pool != nil {
		b.b = &table{db: db}
	} else {
		f, err := openFile(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("open inbox of store %s: %w", db, err)
		}
		b.b = f
	}
	if err := b.count(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open inbox of store %s: %w", db, err), b.b.close())
	}
	go b.write()
	return b, nil
}

// Close takes nothing more, finishes what [Inbox.Accept] waits for, and closes the
// file. [Inbox.Move] must have returned.
func (b *Inbox) Close() error {
	var err error
	b.once.Do(func() {
		close(b.closing)
		<-b.closed
		err = b.b.close()
	})
	return err
}

func (b *Inbox) count(ctx context.Context) error {
	n, _, err := b.b.waiting(ctx)
	b.waiting.Store(int64(n))
	return err
}

const maxKey = 1024 // bytes, as much as an index takes

func check(d Delivery) error {
	for _, s := range []string{d.Endpoint, d.Key} {
		if s == "" || len(s) > maxKey || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("accept delivery %.80q of %.80q: both are 1 to %d bytes of UTF-8 without NUL", d.Key, d.Endpoint, maxKey)
		}
	}
	if !json.Valid(d.Events) || !utf8.Valid(d.Events) {
		return fmt.Errorf("accept delivery %q of %q: its events are not JSON in UTF-8", d.Key, d.Endpoint)
	}
	return nil
}

// A Lag is what waits.
type Lag struct {
	Waiting int
	Oldest  time.Duration // since the oldest that waits was received; 0 if none does
	Refused int           // could not be handed on, and are kept as long as the others
}

// Lag of the inbox; on PostgreSQL of all replicas together.
func (b *Inbox) Lag(ctx context.Context) (Lag, error) {
	n, oldest, err := b.b.waiting(ctx)
	if err != nil {
		return Lag{}, fmt.Errorf("lag of the inbox of store %s: %w", b.name, err)
	}
	l := Lag{Waiting: n}
	if n > 0 {
		l.Oldest = max(0, time.Since(oldest))
	}
	if l.Refused, err = b.b.refused(ctx); err != nil {
		return Lag{}, fmt.Errorf("lag of the inbox of store %s: %w", b.name, err)
	}
	return l, nil
}
