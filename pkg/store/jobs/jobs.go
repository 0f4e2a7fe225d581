// Package jobs runs tasks in the background, on one process with SQLite or on
// several replicas with PostgreSQL, by https://riverqueue.com.
//
// A task has a kind and a key. Wanting it again before it began is one run;
// wanting it while it runs makes it run once more; at most one run of a key goes
// on at a time. Wishes are counted in the table tasks, and the row is locked
// whenever a run ends: no wish falls between its last look and its end.
//
// A run may happen again if its process died: whatever it records belongs into
// [Run.Commit], which commits it together with the end of the run, or must be
// keyed by [Run.Generation], which is the same in both runs.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/store/database"
)

// A Task is something to be done.
type Task struct {
	Kind string // registered with [Queue.Handle] on the replica that shall run it
	Key  string // what it is about; at most 1024 bytes of UTF-8
	// Payload is for the handler. Of several wishes that one run answers it gets
	// that of the last.
	Payload json.RawMessage
	// NotBefore is the earliest time of the run; zero is now. Of several wishes
	// for one run the earliest counts. More than five seconds ahead, the run may
	// be up to five seconds late.
	NotBefore time.Time
}

// A Handler does one run. An error, or a panic, is an attempt that failed: it is
// tried again, later and later. [Snooze] ends the run and wants another one. When
// ctx is done (timeout, shutdown, or the store lost sight of this process) it must
// return soon.
type Handler func(ctx context.Context, r *Run) error

// A Kind says how tasks of a kind are run. Zero values mean the defaults.
type Kind struct {
	Concurrency int           // runs at a time in this process; 4
	Timeout     time.Duration // of one run; 1 minute
	Attempts    int           // until a wish is given up; 20
	Backoff     time.Duration // before the second attempt, then doubled; 1 s
	MaxBackoff  time.Duration // 10 minutes
	// Turn, if there is one, is called before each run and returns when the run may
	// begin, or an error when ctx is done; done is called when the run has ended.
	// Waiting is no attempt, also when the process dies, and no part of the run.
	Turn func(ctx context.Context) (done func(), err error)
}

func (k Kind) withDefaults() Kind {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&k.Timeout, time.Minute)
	set(&k.Backoff, time.Second)
	set(&k.MaxBackoff, 10*time.Minute)
	if k.Concurrency == 0 {
		k.Concurrency = 4
	}
	if k.Attempts == 0 {
		k.Attempts = 20
	}
	return k
}

// Options of [Open]; the zero value is fit for production.
type Options struct {
	Log *slog.Logger // nil logs nothing
	// DeadAfter is how long a replica on PostgreSQL may be silent until others
	// take its runs over; 10 s. A replica that cannot reach the store cancels its
	// own runs after three fifths of it.
	DeadAfter time.Duration
	// Keep is how long tasks that are done, and those that were given up, stay in
	// the tables; 24 hours and 7 days.
	Keep, KeepFailed time.Duration
}

// Errors of this package.
var (
	// ErrLost is that a run was taken from this process: it was considered dead,
	// and another one may run the task. Nothing that it commits counts.
	ErrLost = errors.New("the run was taken over: this process was considered dead")
	// ErrServed is that another process works on the same SQLite file.
	ErrServed = errors.New("another process serves this store")
)

// A Queue takes wishes and, once started, runs them. It may be used concurrently.
type Queue struct {
	db     *database.DB
	engine engine
	log    *slog.Logger
	o      Options

	mu      sync.Mutex
	kinds   map[string]Kind
	ticks   map[string]tick
	active  map[int64]context.CancelCauseFunc // runs of this process by River's ID
	started bool
	stop    func() error // ends what Start began, without River; nil if there is nothing

	skew atomic.Int64 // nanoseconds, see now
}

// Open prepares the tables of the engine in db, whose own tables are up to date
// (see [database.DB.Migrate]). Several replicas may do so at a time.
func Open(ctx context.Context, db *database.DB, o Options) (*Queue, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DeadAfter == 0 {
		o.DeadAfter = 10 * time.Second
	}
	if o.Keep == 0 {
		o.Keep = 24 * time.Hour
	}
	if o.KeepFailed == 0 {
		o.KeepFailed = 7 * 24 * time.Hour
	}
	q := &Queue{db: db, log: o.Log, o: o, kinds: map[string]Kind{}, ticks: map[string]tick{}, active: map[int64]context.CancelCauseFunc{}}
	if err := migrate(ctx, db, o.Log); err != nil {
		return nil, fmt.Errorf("open jobs of store %s: %w", db, err)
	}
	e, err := newEngine(q)
	if err != nil {
		return nil, fmt.Errorf("open jobs of store %s: %w", db, err)
	}
	q.engine = e
	return q, nil
}

var kindSyntax = lazy.Regexp(`^[a-z][a-z0-9]{1,30}$`)

// Handle registers what runs tasks of a kind, before [Queue.Start].
func (q *Queue) Handle(kind string, k Kind, h Handler) error {
	if !kindSyntax().MatchString(kind) || kind == tickKind {
		return fmt.Errorf("handle tasks %q: a kind is 2 to 31 letters and digits in lower case, and not %q", kind, tickKind)
	}
	if k.Concurrency < 0 || k.Timeout < 0 || k.Attempts < 0 || k.Backoff < 0 || k.MaxBackoff < 0 {
		return fmt.Errorf("handle tasks %q: a negative limit", kind)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		return fmt.Errorf("handle tasks %q: the queue runs already", kind)
	}
	if _, twice := q.kinds[kind]; twice {
		return fmt.Errorf("handle tasks %q: it has a handler already", kind)
	}
	k = k.withDefaults()
	if err := q.engine.handle(kind, k.Concurrency, &worker{q: q, kind: k, handler: h}); err != nil {
		return fmt.Errorf("handle tasks %q: %w", kind, err)
	}
	q.kinds[kind] = k
	return nil
}
