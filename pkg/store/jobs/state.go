package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// A State is how far a task is.
type State struct {
	Wanted int64 // generation of the latest wish
	Done   int64 // generation that the latest finished run answered
	// Due is when the run that answers what is wanted may begin, or began; zero if
	// nothing is wanted.
	Due    time.Time
	Failed time.Time // when the wish was given up; zero = it was not
	Error  string    // of the last attempt
}

// State returns how far the task is; ok is false if it was never wanted, or was
// done so long ago that it is forgotten (see [Options]).
func (q *Queue) State(ctx context.Context, kind, key string) (s State, ok bool, err error) {
	var due, failed int64
	err = q.db.Read.QueryRowContext(ctx, "SELECT wanted, done, due, failed, error FROM tasks WHERE kind = $1 AND key = $2", kind, key).
		Scan(&s.Wanted, &s.Done, &due, &failed, &s.Error)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return State{}, false, nil
	case err != nil:
		return State{}, false, fmt.Errorf("state of %s %q: %w", kind, key, err)
	}
	if s.Wanted > s.Done {
		s.Due = database.Time(due)
	}
	if failed > 0 {
		s.Failed = database.Time(failed)
	}
	return s, true, nil
}
