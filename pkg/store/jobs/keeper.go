package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A keeper tells the other replicas that this one lives, and takes over what dead
// ones ran. A replica is dead when its beat has not changed for DeadAfter on this
// replica's own clock: nobody's wall clock matters.
type keeper struct {
	q      *Queue
	last   time.Time // when the store last took our beat
	pruned time.Time
	seen   map[string]sight
	lost   map[int64]time.Time // our own jobs that no run of ours works
	began  time.Time
	steps  steps
}

type sight struct {
	beat  int64
	since time.Time
}

func newKeeper(q *Queue) *keeper {
	now := time.Now()
	return &keeper{q: q, last: now, pruned: now, began: now, seen: map[string]sight{}, lost: map[int64]time.Time{}}
}

// pruneEvery is the time between two looks for rows that are no longer needed.
const pruneEvery = time.Minute

func (k *keeper) run(ctx context.Context) {
	every := time.NewTicker(k.q.o.DeadAfter / 5)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		k.round(ctx)
	}
}

func (k *keeper) round(ctx context.Context) {
	// A store that does not answer must not hold up the next line.
	short, cancel := context.WithTimeout(ctx, k.q.o.DeadAfter/5)
	defer cancel()
	err := k.beat(short)
	if k.q.db.Pool != nil && time.Since(k.last) > k.q.o.DeadAfter*3/5 {
		// The others will soon take us for dead.
		k.q.loseAll()
	}
	if err == nil {
		long, cancel := context.WithTimeout(ctx, k.q.o.DeadAfter)
		defer cancel()
		err = errors.Join(k.takeOver(long, false), k.rewind(long))
		if err == nil && time.Since(k.pruned) > pruneEvery {
			k.pruned = time.Now()
			err = k.q.prune(long)
		}
	}
	if err != nil && ctx.Err() == nil {
		k.q.log.WarnContext(ctx, "the job engine cannot look after its runs", slog.Any("error", err))
	}
}

func (k *keeper) beat(ctx context.Context) error {
	if k.q.db.Pool == nil {
		return nil // the file is ours alone
	}
	_, err := k.q.db.Write.ExecContext(ctx, "INSERT INTO replicas (id, beat) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET beat = replicas.beat + 1", k.q.engine.id())
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	k.last = time.Now()
	return nil
}

// loseAll cancels the runs of this process.
func (q *Queue) loseAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, cancel := range q.active {
		cancel(ErrLost)
	}
}

// takeOver lets what dead processes ran begin again; all of the others' if alone.
func (k *keeper) takeOver(ctx context.Context, alone bool) error {
	now := time.Now()
	dead, err := k.silent(ctx, now)
	if err != nil {
		return err
	}
	running, err := k.q.engine.running(ctx)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	lost := map[int64]time.Time{}
	for _, job := range running {
		id := owner(job)
		switch {
		case id == k.q.engine.id():
			// Its end could not be written down, and River gave up.
			if k.q.works(job.ID) {
				continue
			}
			since, ok := k.lost[job.ID]
			if !ok {
				since = now
			}
			lost[job.ID] = since
			if now.Sub(since) < k.q.o.DeadAfter {
				continue
			}
		case alone:
		default:
			if _, known := k.seen[id]; !known { // it signed off, or was dead before
				k.seen[id] = sight{beat: -1, since: now}
			}
			if s := k.seen[id]; !dead[id] && (s.beat >= 0 || now.Sub(s.since) < k.q.o.DeadAfter) {
				continue
			}
		}
		if err := k.q.revive(ctx, job); err != nil {
			return fmt.Errorf("take over job %d: %w", job.ID, err)
		}
	}
	k.lost = lost
	for id := range dead {
		if _, err := k.q.db.Write.ExecContext(ctx, "DELETE FROM replicas WHERE id = $1 AND beat = $2", id, k.seen[id].beat); err != nil {
			return fmt.Errorf("forget replica %q: %w", id, err)
		}
		delete(k.seen, id)
	}
	return nil
}

// silent are the replicas whose beat has not changed for too long.
func (k *keeper) silent(ctx context.Context, now time.Time) (map[string]bool, error) {
	if k.q.db.Pool == nil {
		return nil, nil
	}
	rows, err := k.q.db.Read.QueryContext(ctx, "SELECT id, beat FROM replicas")
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	defer rows.Close()
	dead, there := map[string]bool{}, map[string]bool{}
	for rows.Next() {
		var id string
		var beat int64
		if err := rows.Scan(&id, &beat); err != nil {
			return nil, fmt.Errorf("list replicas: %w", err)
		}
		there[id] = true
		if s, ok := k.seen[id]; !ok || s.beat != beat {
			k.seen[id] = sight{beat, now}
		}
		dead[id] = id != k.q.engine.id() && now.Sub(k.seen[id].since) >= k.q.o.DeadAfter
		if !dead[id] {
			delete(dead, id)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	for id, s := range k.seen {
		// What signed off is kept for a while: it may have left runs.
		if !there[id] && s.beat >= 0 {
			k.seen[id] = sight{-1, now}
		} else if !there[id] && now.Sub(s.since) > 2*k.q.o.DeadAfter {
			delete(k.seen, id)
		}
	}
	return dead, nil
}

func (q *Queue) works(id int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.active[id] != nil
}
