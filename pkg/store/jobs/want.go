package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river/rivertype"
)

// maxKey bytes fit into an index of PostgreSQL.
const maxKey = 1024

// Want asks for tasks. When it returns nil the wishes are committed. One that waits
// for its next attempt after an error goes on waiting; one that snoozes begins.
func (q *Queue) Want(ctx context.Context, tasks ...Task) error {
	return q.Tx(ctx, func(tx *Tx) error { return q.WantTx(ctx, tx, tasks...) })
}

// WantTx asks for tasks as part of tx. After an error tx must be rolled back.
func (q *Queue) WantTx(ctx context.Context, tx *Tx, tasks ...Task) error {
	tasks, err := coalesce(tasks)
	if err != nil || len(tasks) == 0 {
		return err
	}
	// Rows of tasks are locked first and in one order, jobs of River after them.
	now := q.now()
	for i := range tasks {
		if !tasks[i].NotBefore.IsZero() { // by the clock of who wants it
			tasks[i].NotBefore = tasks[i].NotBefore.Add(time.Duration(q.skew.Load()))
		}
	}
	jobs, err := q.wish(ctx, tx, tasks, now)
	if err != nil {
		return fmt.Errorf("want %d tasks, %s %q first: %w", len(tasks), tasks[0].Kind, tasks[0].Key, err)
	}
	if len(jobs) == 0 {
		return nil
	}
	byKey := map[args]Task{}
	for _, t := range tasks {
		byKey[args{kind: t.Kind, Key: t.Key}] = t
	}
	at := make([]time.Time, len(jobs))
	for i, a := range jobs {
		at[i] = q.scheduled(begin(byKey[args{kind: a.kind, Key: a.Key}], now), now)
	}
	inserted, err := q.engine.insert(ctx, tx, jobs, at)
	if err != nil {
		return fmt.Errorf("want %d tasks, %s %q first: %w", len(jobs), jobs[0].kind, jobs[0].Key, err)
	}
	for _, in := range inserted {
		if !in.UniqueSkippedAsDuplicate {
			continue
		}
		a, err := taskOf(in.Job)
		if err != nil {
			return err
		}
		if err := q.join(ctx, tx, in.Job, begin(byKey[args{kind: a.kind, Key: a.Key}], now), a, now); err != nil {
			return fmt.Errorf("want %s %q: %w", a.kind, a.Key, err)
		}
	}
	return nil
}

// join lets a job that is live answer one more wish.
func (q *Queue) join(ctx context.Context, tx *Tx, job *rivertype.JobRow, at time.Time, a args, now time.Time) error {
	switch job.State {
	case rivertype.JobStateRunning:
		// A wish that joined without a look (see [Queue.wish]) since the run began was
		// for then.
		var since int64
		if job.AttemptedAt != nil {
			since = micros(*job.AttemptedAt)
		}
		_, err := tx.ExecContext(ctx, `UPDATE tasks SET next = CASE WHEN next > 0 AND next < $1 THEN next WHEN joined < 0 AND -joined >= $2 AND -joined < $1 THEN -joined ELSE $1 END
			WHERE kind = $3 AND key = $4`, micros(at), since, a.kind, a.Key)
		return err
	case rivertype.JobStateScheduled, rivertype.JobStateAvailable:
		// River makes available what is due within some seconds.
		if !job.ScheduledAt.After(at) || job.Attempt > 0 {
			return nil
		}
		// It waits for later than this wish, and is no attempt after one that failed.
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET due = $1 WHERE kind = $2 AND key = $3`, micros(at), a.kind, a.Key); err != nil {
			return err
		}
		if at.After(now) {
			return q.earlier(ctx, tx, job, at, a, now)
		}
		return q.engine.now(ctx, tx, job.ID)
	}
	return nil
}

// earlier has a job that waits begin at a time before its own, which is still to
// come. River moves jobs to now only, so another one takes its place.
func (q *Queue) earlier(ctx context.Context, tx *Tx, job *rivertype.JobRow, at time.Time, a args, now time.Time) error {
	waited, err := q.engine.drop(ctx, tx, job.ID)
	if err != nil {
		return err
	}
	if waited {
		_, err = q.engine.insert(ctx, tx, []args{a}, []time.Time{q.scheduled(at, now)})
		return err
	}
	// It has begun in between, and cannot end while the row of its task is locked.
	if job, err = q.engine.get(ctx, tx, job.ID); err != nil || job.State != rivertype.JobStateRunning {
		return err
	}
	return q.join(ctx, tx, job, at, a, now)
}

// scheduled is what River is told of when a job may begin: nothing if that is now,
// and River does not take a later time for it.
func (q *Queue) scheduled(at, now time.Time) time.Time {
	if !at.After(now) && q.skew.Load() >= 0 {
		return time.Time{}
	}
	return at
}

func begin(t Task, now time.Time) time.Time {
	if t.NotBefore.After(now) {
		return t.NotBefore
	}
	return now
}

// Check reports the first task that cannot be wanted, whatever the store says.
func Check(tasks ...Task) error {
	_, err := coalesce(tasks)
	return err
}

// coalesce makes one of the tasks of a key, and sorts them.
func coalesce(tasks []Task) ([]Task, error) {
	at := map[args]int{}
	var out []Task
	for _, t := range tasks {
		switch {
		case !kindSyntax().MatchString(t.Kind) || t.Kind == tickKind:
			return nil, fmt.Errorf("want %q: it is no kind of task", t.Kind)
		case t.Key == "" || len(t.Key) > maxKey || !utf8.ValidString(t.Key) || slices.Contains([]byte(t.Key), 0):
			return nil, fmt.Errorf("want %s %.80q: a key is 1 to %d bytes of UTF-8 without NUL", t.Kind, t.Key, maxKey)
		case len(t.Payload) > 0 && (!json.Valid(t.Payload) || !utf8.Valid(t.Payload)):
			return nil, fmt.Errorf("want %s %q: %w", t.Kind, t.Key, errPayload)
		}
		id := args{kind: t.Kind, Key: t.Key}
		i, again := at[id]
		if !again {
			at[id], out = len(out), append(out, t)
			continue
		}
		if t.NotBefore.After(out[i].NotBefore) {
			t.NotBefore = out[i].NotBefore
		}
		out[i] = t
	}
	slices.SortFunc(out, func(a, b Task) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key)) })
	return out, nil
}

var errPayload = errors.New("the payload is not JSON in UTF-8")
