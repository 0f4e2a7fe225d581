//go:build e2e

package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// The test's own program is the service, too: it is killed.
const childStore, childMode = "INTACT_TEST_SERVICE_STORE", "INTACT_TEST_SERVICE_MODE"

func child() bool {
	where := os.Getenv(childStore)
	if where == "" {
		return false
	}
	if err := service(context.Background(), where, os.Getenv(childMode)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// service accepts, hands on and judges. It prints the keys that it acknowledged.
// Mode "load" goes on until it is killed, "full" until the disk is full and once
// more when it no longer is, "drain" until nothing is left to do.
func service(ctx context.Context, where, mode string) error {
	db, err := database.Open(ctx, where)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	b, err := inbox.Open(ctx, db, inbox.Options{})
	if err != nil {
		return err
	}
	if mode == "full" {
		return fill(ctx, b)
	}
	q, err := jobs.Open(ctx, db, jobs.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := handle(q); err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	moving, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { b.Move(moving, q, wish) })
	if mode == "drain" {
		err = drained(ctx, b, q)
		stop()
		all.Wait()
		return errors.Join(err, q.Stop(ctx), b.Close())
	}
	defer stop()
	for w := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				acknowledge(ctx, b, fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i), "")
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	all.Wait()
	return nil
}

func acknowledge(ctx context.Context, b *inbox.Inbox, key, more string) error {
	fresh, err := b.Accept(ctx, inbox.Delivery{Endpoint: "hub", Key: key, Events: fmt.Appendf(nil, "%q", more)})
	if err == nil && !fresh {
		err = fmt.Errorf("%s is not new", key)
	}
	if err == nil {
		fmt.Println(key)
	}
	return err
}

// wish is one task per delivery, and one per tag, which several share.
func wish(d inbox.Delivery) ([]jobs.Task, error) {
	return []jobs.Task{{Kind: "each", Key: d.Key}, {Kind: "tag", Key: d.Key[strings.LastIndex(d.Key, "-"):]}}, nil
}

func handle(q *jobs.Queue) error {
	// Here it is not the task that kills the process.
	often := jobs.Kind{Attempts: 1 << 20, Backoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond}
	for _, kind := range []string{"each", "tag"} {
		err := q.Handle(kind, often, func(ctx context.Context, r *jobs.Run) error {
			return r.Commit(ctx, func(tx *jobs.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO judged (kind, key, generation) VALUES ($1, $2, $3)", r.Kind, r.Key, r.Generation)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func drained(ctx context.Context, b *inbox.Inbox, q *jobs.Queue) error {
	for {
		box, err := b.Lag(ctx)
		if err != nil {
			return err
		}
		lag, err := q.Lag(ctx)
		if err != nil {
			return err
		}
		left := box.Waiting
		for _, l := range lag {
			left += l.Waiting + l.Running + l.Later + l.Failed
		}
		if left == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// fill accepts until the disk is full: no file may grow beyond 400 KiB.
func fill(ctx context.Context, b *inbox.Inbox) error {
	signal.Ignore(unix.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 400 << 10, Max: limit.Max}); err != nil {
		return err
	}
	var full error
	for i := range 1000 {
		if full = acknowledge(ctx, b, fmt.Sprint("full-", i), strings.Repeat("x", 10_000)); full != nil {
			break
		}
	}
	if full == nil {
		return errors.New("the disk is never full")
	}
	fmt.Fprintln(os.Stderr, "full:", full)
	if b.Try(ctx) == nil {
		return errors.New("the disk is full, and the inbox says that all is well")
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return errors.Join(b.Try(ctx), acknowledge(ctx, b, "full-again", ""), b.Close())
}
