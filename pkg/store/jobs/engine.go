package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// args are what River keeps of a task. A job of River is one series of attempts;
// at most one job of a task is live.
type args struct {
	kind   string
	Key    string `json:"key" river:"unique"`
	Wanted int64  `json:"wanted"` // the generation at the beginning of the series
}

func (a args) Kind() string { return a.kind }

// live are the states in which a job will still run, or runs.
var live = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

const (
	// finished jobs are of no use: tasks has what matters. They stay a while, so
	// that a late word about one finds it finished.
	keepJobs = 10 * time.Minute
	// never: River's own rescue of stuck jobs goes by time alone, and this
	// package knows better (see keeper).
	never = 100 * 365 * 24 * time.Hour
)

// An engine is River on one of the databases.
type engine interface {
	id() string
	handle(kind string, concurrency int, w river.Worker[args]) error
	periodic(every time.Duration, a args)
	start(ctx context.Context) error
	stop(ctx context.Context) error
	cancel(ctx context.Context) error
	// running are the jobs that some process claims to run.
	running(ctx context.Context) ([]*rivertype.JobRow, error)

	// waiting are those that no process runs.
	waiting(ctx context.Context) ([]*rivertype.JobRow, error)

	// insert puts jobs that may begin at the times; where one is live, that is
	// returned as a duplicate.
	insert(ctx context.Context, tx *Tx, jobs []args, at []time.Time) ([]*rivertype.JobInsertResult, error)
	get(ctx context.Context, tx *Tx, id int64) (*rivertype.JobRow, error)
	now(ctx context.Context, tx *Tx, id int64) error // a job that waits may begin
	// drop takes away a job that waits; false if it runs.
	drop(ctx context.Context, tx *Tx, id int64) (bool, error)
	// end ends a running job for good, and says whether it was running.
	end(ctx context.Context, tx *Tx, id int64) (bool, error)
}

type client[T any] struct {
	*river.Client[T]
	driver  riverdriver.Driver[T]
	workers *river.Workers
	of      func(*Tx) T
}

func newEngine(q *Queue) (engine, error) {
	if q.db.Pool != nil {
		return newClient(q, riverpgxv5.New(q.db.Pool), func(tx *Tx) pgx.Tx { return onConn{tx.conn} })
	}
	return newClient(q, riversqlite.New(q.db.Write), func(tx *Tx) *sql.Tx { return tx.Tx })
}

func newClient[T any](q *Queue, driver riverdriver.Driver[T], of func(*Tx) T) (engine, error) {
	host, _ := os.Hostname() // only to be read by people
	if len(host) > 40 {
		host = host[:40]
	}
	c := &client[T]{driver: driver, workers: river.NewWorkers(), of: of}
	river.AddWorkerArgs(c.workers, args{kind: tickKind}, river.Worker[args](&ticker{q: q}))
	var err error
	c.Client, err = river.NewClient(driver, &river.Config{
		ID:     host + "-" + rand.Text(),
		Logger: slog.New(quiet{q.log.Handler()}),
		// Timeouts and attempts are ours, by kind.
		JobTimeout:                  -1,
		RescueStuckJobsAfter:        never,
		CompletedJobRetentionPeriod: keepJobs,
		DiscardedJobRetentionPeriod: keepJobs,
		CancelledJobRetentionPeriod: keepJobs,
		FetchCooldown:               20 * time.Millisecond,
		FetchPollInterval:           500 * time.Millisecond,
		Queues:                      map[string]river.QueueConfig{tickKind: {MaxWorkers: 1}},
		Workers:                     c.workers,
		SkipUnknownJobCheck:         true,
	})
	return c, err
}

func (c *client[T]) id() string { return c.ID() }

func (c *client[T]) handle(kind string, concurrency int, w river.Worker[args]) error {
	if err := c.Queues().Add(kind, river.QueueConfig{MaxWorkers: concurrency}); err != nil {
		return err
	}
	river.AddWorkerArgs(c.workers, args{kind: kind}, w)
	return nil
}

func (c *client[T]) periodic(every time.Duration, a args) {
	c.PeriodicJobs().Add(river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) {
		return a, &river.InsertOpts{Queue: tickKind, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live}}
	}, &river.PeriodicJobOpts{RunOnStart: true}))
}

func (c *client[T]) start(ctx context.Context) error  { return c.Start(ctx) }
func (c *client[T]) stop(ctx context.Context) error   { return c.Stop(ctx) }
func (c *client[T]) cancel(ctx context.Context) error { return c.StopAndCancel(ctx) }

func (c *client[T]) running(ctx context.Context) ([]*rivertype.JobRow, error) {
	// One page: the rest is looked at when these are done with.
	list, err := c.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateRunning).First(10_000))
	if err != nil {
		return nil, err
	}
	return list.Jobs, nil
}

func (c *client[T]) insert(ctx context.Context, tx *Tx, jobs []args, at []time.Time) ([]*rivertype.JobInsertResult, error) {
	params := make([]river.InsertManyParams, len(jobs))
	for i, a := range jobs {
		params[i] = river.InsertManyParams{Args: a, InsertOpts: &river.InsertOpts{
			Queue: a.kind, MaxAttempts: math.MaxInt16, ScheduledAt: at[i],
			UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live},
		}}
	}
	return c.InsertManyTx(ctx, c.of(tx), params)
}

func (c *client[T]) get(ctx context.Context, tx *Tx, id int64) (*rivertype.JobRow, error) {
	return c.JobGetTx(ctx, c.of(tx), id)
}

func (c *client[T]) now(ctx context.Context, tx *Tx, id int64) error {
	_, err := c.JobRetryTx(ctx, c.of(tx), id)
	return err
}

func (c *client[T]) drop(ctx context.Context, tx *Tx, id int64) (bool, error) {
	_, err := c.JobDeleteTx(ctx, c.of(tx), id)
	if errors.Is(err, rivertype.ErrJobRunning) {
		return false, nil
	}
	return err == nil, err
}

// end uses the driver: River itself offers to end a running job only to the run
// that works it. A job ends for good, and what goes on is a new one: River says
// after each run once more that the job ended, without looking whose run it was.
func (c *client[T]) end(ctx context.Context, tx *Tx, id int64) (bool, error) {
	was, err := c.get(ctx, tx, id)
	if err != nil || was.State != rivertype.JobStateRunning {
		return false, err
	}
	p := riverdriver.JobSetStateCompleted(id, time.Now().UTC(), nil)
	rows, err := c.driver.UnwrapExecutor(c.of(tx)).JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{id}, Attempt: []*int{p.Attempt}, ErrData: [][]byte{p.ErrData}, FinalizedAt: []*time.Time{p.FinalizedAt},
		MetadataDoMerge: []bool{false}, MetadataUpdates: [][]byte{nil}, ScheduledAt: []*time.Time{p.ScheduledAt}, State: []rivertype.JobState{p.State},
	})
	if err != nil {
		return false, err
	}
	return len(rows) == 1 && rows[0].State == rivertype.JobStateCompleted, nil
}

// taskOf is the key and the first generation of a job.
func taskOf(row *rivertype.JobRow) (args, error) {
	a := args{kind: row.Kind}
	if err := json.Unmarshal(row.EncodedArgs, &a); err != nil {
		return a, fmt.Errorf("read job %d of kind %q: %w", row.ID, row.Kind, err)
	}
	return a, nil
}
