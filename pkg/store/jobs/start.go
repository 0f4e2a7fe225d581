package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/intact-dev/intact/pkg/store/database"
)

// Start begins to run tasks, also those that a process left that is dead. It goes
// on until [Queue.Stop]; ctx is for starting. On SQLite one process at a time may
// do so: another one gets [ErrServed].
func (q *Queue) Start(ctx context.Context) error {
	q.mu.Lock()
	started := q.started
	q.started = true // no more handlers
	q.mu.Unlock()
	if started {
		return errors.New("start jobs: they were started before")
	}
	stop, err := q.start(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.started = false
		return fmt.Errorf("start jobs of store %s: %w", q.db, err)
	}
	q.stop = stop
	return nil
}

func (q *Queue) start(ctx context.Context) (stop func() error, err error) {
	k := newKeeper(q)
	unlock := func() error { return nil }
	if q.db.Pool == nil {
		if unlock, err = lockFile(ctx, q.db.File); err != nil {
			return nil, err
		}
		// Whoever ran something here is dead.
		err = k.takeOver(ctx, true)
	} else {
		err = k.beat(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	for kind, t := range q.ticks {
		q.engine.periodic(t.look(), args{kind: tickKind, Key: kind})
	}
	// Not ctx: that it ends must not end the runs.
	if err := q.engine.start(context.WithoutCancel(ctx)); err != nil {
		return nil, errors.Join(err, unlock())
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { k.run(life) })
	return func() error {
		end()
		done.Wait()
		return unlock()
	}, nil
}

// hard is how long Stop waits for runs whose context it has cancelled.
const hard = 5 * time.Second

// Stop takes no more tasks and lets runs finish until ctx ends; then it cancels
// them, which is no failed attempt. A run that goes on regardless is an error that
// names it. The queue cannot be started again.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	stop := q.stop
	q.stop = nil
	q.mu.Unlock()
	if stop == nil {
		return nil // it does not run
	}
	err := q.engine.stop(ctx)
	if err != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), hard)
		defer cancel()
		err = q.engine.cancel(late)
	}
	err = errors.Join(err, stop())
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), hard)
	defer cancel()
	if err != nil {
		// Its runs go on: the others must wait until it is silent long enough.
		return fmt.Errorf("stop jobs: %d runs do not end: %w", q.runs(), err)
	}
	if q.db.Pool != nil {
		if _, err := q.db.Write.ExecContext(late, "DELETE FROM replicas WHERE id = $1", q.engine.id()); err != nil {
			q.log.Warn("the replica is not signed off", slog.Any("error", err))
		}
	}
	return nil
}

func (q *Queue) runs() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.active)
}

// lockFile keeps others from working on an SQLite store, by a lock on a file of no
// content beside it. The system drops it when the process dies.
func lockFile(ctx context.Context, file string) (unlock func() error, err error) {
	// Whoever could read it could hold a lock on it.
	if err := database.Private(file + "-lock"); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(file) + "-lock"}).EscapedPath()+"?_txlock=exclusive")
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	var e *sqlite.Error
	if errors.As(err, &e) && slices.Contains([]int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}, e.Code()&0xff) {
		err = ErrServed
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), db.Close()) }, nil
}
