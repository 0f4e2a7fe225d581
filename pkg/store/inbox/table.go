package inbox

import (
	"context"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// table is the inbox on PostgreSQL. Movers of several replicas share the work:
// each takes rows that no other has locked.
type table struct{ db *database.DB }

func (t *table) close() error { return nil } // the database is not ours

func (t *table) insert(ctx context.Context, ds []Delivery) ([]bool, error) {
	endpoints, keys, events := make([]string, len(ds)), make([]string, len(ds)), make([]string, len(ds))
	received := make([]int64, len(ds))
	for i, d := range ds {
		endpoints[i], keys[i], events[i], received[i] = d.Endpoint, d.Key, string(d.Events), database.Micros(d.Received)
	}
	rows, err := t.db.Write.QueryContext(ctx, `INSERT INTO deliveries (endpoint, key, received, events)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
		ON CONFLICT (endpoint, key) DO NOTHING RETURNING endpoint, key`, endpoints, keys, received, events)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	got := map[id]bool{}
	for rows.Next() {
		var k id
		if err := rows.Scan(&k.endpoint, &k.key); err != nil {
			return nil, err
		}
		got[k] = true
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	fresh := make([]bool, len(ds))
	for i, d := range ds {
		fresh[i] = got[id{d.Endpoint, d.Key}]
	}
	return fresh, nil
}

func (t *table) move(ctx context.Context, q *jobs.Queue, say translate) (n int, err error) {
	err = q.Tx(ctx, func(tx *jobs.Tx) error {
		ds, err := t.next(ctx, tx)
		if err != nil || len(ds) == 0 {
			n = 0
			return err
		}
		var tasks []jobs.Task
		endpoints, keys, refused := make([]string, len(ds)), make([]string, len(ds)), make([]string, len(ds))
		for i, d := range ds {
			want, err := say(d)
			if err != nil {
				refused[i] = err.Error()
			}
			endpoints[i], keys[i] = d.Endpoint, d.Key
			tasks = append(tasks, want...)
		}
		_, err = tx.ExecContext(ctx, `UPDATE deliveries SET moved = $1, refused = u.refused
			FROM unnest($2::text[], $3::text[], $4::text[]) AS u (endpoint, key, refused)
			WHERE deliveries.endpoint = u.endpoint AND deliveries.key = u.key`, database.Micros(time.Now()), endpoints, keys, refused)
		if err != nil {
			return err
		}
		n = len(ds)
		return q.WantTx(ctx, tx, tasks...)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (t *table) next(ctx context.Context, tx *jobs.Tx) ([]Delivery, error) {
	rows, err := tx.QueryContext(ctx, "SELECT endpoint, key, received, events FROM deliveries WHERE moved = 0 ORDER BY received LIMIT $1 FOR UPDATE SKIP LOCKED", batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ds []Delivery
	for rows.Next() {
		var d Delivery
		var at int64
		var events string
		if err := rows.Scan(&d.Endpoint, &d.Key, &at, &events); err != nil {
			return nil, err
		}
		d.Received, d.Events = database.Time(at), []byte(events)
		ds = append(ds, d)
	}
	return ds, rows.Err()
}

func (t *table) waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	var at int64
	err = t.db.Read.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MIN(received), 0) FROM deliveries WHERE moved = 0").Scan(&n, &at)
	return n, database.Time(at), err
}

func (t *table) refused(ctx context.Context) (n int, err error) {
	err = t.db.Read.QueryRowContext(ctx, "SELECT COUNT(*) FROM deliveries WHERE moved > 0 AND refused <> ''").Scan(&n)
	return n, err
}

func (t *table) prune(ctx context.Context, before time.Time) (bool, error) {
	res, err := t.db.Write.ExecContext(ctx, `DELETE FROM deliveries WHERE (endpoint, key) IN
		(SELECT endpoint, key FROM deliveries WHERE moved > 0 AND received < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, database.Micros(before), pruneBatch)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == pruneBatch, err
}
