package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// sure is how long after it was due a task is taken to have a live job without a
// look: should one ever lose its job, a later wish gives it another.
const sure = time.Minute

// wish counts wishes, of different tasks and in one order, in a statement for all
// of them, and returns the jobs that they may need.
//
// A wish for now needs none if its task waits or runs: the job reads what is wanted
// when it begins, and whoever ends it looks again with the row locked. Most of the
// wishes of a busy service are of this kind.
func (q *Queue) wish(ctx context.Context, tx *Tx, tasks []Task, now time.Time) ([]args, error) {
	// A generation is never used twice for a key, even if its row was pruned in
	// between: it begins at the time.
	from, params, err := q.rows(tasks, now)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `INSERT INTO tasks (kind, key, payload, wanted, done, due, changed)
		SELECT kind, key, payload, now, now - 1, due, now FROM `+from+` WHERE true
		ON CONFLICT (kind, key) DO UPDATE SET
			payload = excluded.payload, wanted = tasks.wanted + 1, changed = excluded.changed, failed = 0,
			due = CASE WHEN tasks.wanted = tasks.done OR tasks.failed > 0 THEN excluded.due ELSE tasks.due END,
			attempts = CASE WHEN tasks.wanted = tasks.done OR tasks.failed > 0 THEN 0 ELSE tasks.attempts END,
			joined = CASE WHEN tasks.wanted > tasks.done AND tasks.failed = 0 AND tasks.next = 0 AND excluded.due <= excluded.changed
				AND tasks.due <= excluded.changed AND tasks.due > excluded.changed - `+fmt.Sprint(sure.Microseconds())+`
				THEN excluded.changed ELSE -abs(tasks.joined) END
		RETURNING kind, key, wanted, joined`, params...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []args
	for rows.Next() {
		var a args
		var joined int64
		if err := rows.Scan(&a.kind, &a.Key, &a.Wanted, &joined); err != nil {
			return nil, err
		}
		if joined <= 0 {
			jobs = append(jobs, a)
		}
	}
	return jobs, rows.Err()
}

// rows are the tasks as a table that a statement reads, whose columns are kind,
// key, payload, due and now.
func (q *Queue) rows(tasks []Task, now time.Time) (from string, params []any, err error) {
	if q.db.Pool != nil {
		kinds, keys, payloads, due := make([]string, len(tasks)), make([]string, len(tasks)), make([]string, len(tasks)), make([]int64, len(tasks))
		for i, t := range tasks {
			kinds[i], keys[i], payloads[i], due[i] = t.Kind, t.Key, string(t.Payload), micros(begin(t, now))
		}
		return `(SELECT kind, key, payload, due, $5::bigint AS now FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS w (kind, key, payload, due)) AS w`,
			[]any{kinds, keys, payloads, due, micros(now)}, nil
	}
	table := make([][4]any, len(tasks))
	for i, t := range tasks {
		table[i] = [4]any{t.Kind, t.Key, string(t.Payload), micros(begin(t, now))}
	}
	text, err := json.Marshal(table)
	return `(SELECT value ->> 0 AS kind, value ->> 1 AS key, value ->> 2 AS payload, value ->> 3 AS due, $2 AS now FROM json_each($1)) AS w`,
		[]any{string(text), micros(now)}, err
}
