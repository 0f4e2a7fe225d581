package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// A Lag is how much there is to do of a kind, on all replicas together.
type Lag struct {
	Kind    string
	Waiting int // could run now, or are between two attempts
	Later   int // may not run yet
	Running int
	Failed  int           // given up, until they are wanted again
	Oldest  time.Duration // since a task that is not done could have begun; 0 if there is none
}

// Lag of all kinds of which there are tasks, by kind.
func (q *Queue) Lag(ctx context.Context) ([]Lag, error) {
	out, err := q.lag(ctx)
	if err != nil {
		return nil, fmt.Errorf("lag of jobs: %w", err)
	}
	return out, nil
}

func (q *Queue) lag(ctx context.Context) ([]Lag, error) {
	by := map[string]*Lag{}
	q.mu.Lock()
	for kind := range q.kinds {
		by[kind] = &Lag{Kind: kind}
	}
	q.mu.Unlock()
	of := func(kind string) *Lag {
		if by[kind] == nil {
			by[kind] = &Lag{Kind: kind}
		}
		return by[kind]
	}
	now := micros(q.now())
	rows, err := q.db.Read.QueryContext(ctx, `SELECT kind,
			SUM(CASE WHEN failed = 0 AND due <= $1 THEN 1 ELSE 0 END), SUM(CASE WHEN failed = 0 AND due > $1 THEN 1 ELSE 0 END),
			SUM(CASE WHEN failed > 0 THEN 1 ELSE 0 END), MIN(CASE WHEN failed = 0 AND due <= $1 THEN due ELSE $1 END)
		FROM tasks WHERE wanted > done GROUP BY kind`, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var waiting, later, failed int
		var oldest int64
		if err := rows.Scan(&kind, &waiting, &later, &failed, &oldest); err != nil {
			return nil, err
		}
		l := of(kind)
		l.Waiting, l.Later, l.Failed, l.Oldest = waiting, later, failed, time.Duration(now-oldest)*time.Microsecond
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	running, err := q.db.Read.QueryContext(ctx, "SELECT kind, COUNT(*) FROM river_job WHERE state = 'running' GROUP BY kind")
	if err != nil {
		return nil, err
	}
	defer running.Close()
	for running.Next() {
		var kind string
		var n int
		if err := running.Scan(&kind, &n); err != nil {
			return nil, err
		}
		if kind != tickKind {
			l := of(kind)
			l.Running, l.Waiting = n, max(0, l.Waiting-n)
		}
	}
	if err := running.Err(); err != nil {
		return nil, err
	}
	var out []Lag
	for _, l := range by {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Lag) int { return cmp.Compare(a.Kind, b.Kind) })
	return out, nil
}

// A Failure is a task that was given up. Wanting it again tries it again.
type Failure struct {
	Kind, Key string
	Error     string // of the last attempt
	Attempts  int
	At        time.Time
}

// Failed lists up to limit tasks of a kind that were given up, the latest first.
func (q *Queue) Failed(ctx context.Context, kind string, limit int) ([]Failure, error) {
	rows, err := q.db.Read.QueryContext(ctx, "SELECT kind, key, error, attempts, failed FROM tasks WHERE kind = $1 AND wanted > done AND failed > 0 ORDER BY failed DESC, key LIMIT $2", kind, limit)
	if err != nil {
		return nil, fmt.Errorf("list failed %s: %w", kind, err)
	}
	defer rows.Close()
	var out []Failure
	for rows.Next() {
		var f Failure
		var at int64
		if err := rows.Scan(&f.Kind, &f.Key, &f.Error, &f.Attempts, &at); err != nil {
			return nil, fmt.Errorf("list failed %s: %w", kind, err)
		}
		f.At = database.Time(at)
		out = append(out, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list failed %s: %w", kind, err)
	}
	return out, nil
}

// prune deletes what is done, or was given up, for long enough.
func (q *Queue) prune(ctx context.Context) error {
	now := q.now()
	_, err := q.db.Write.ExecContext(ctx, "DELETE FROM tasks WHERE wanted = done AND changed < $1 OR failed > 0 AND failed < $2",
		micros(now.Add(-q.o.Keep)), micros(now.Add(-q.o.KeepFailed)))
	if err != nil {
		return fmt.Errorf("prune tasks: %w", err)
	}
	return nil
}
