package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// Prune deletes at once what is old.
var Prune = (*Queue).prune

// Tick looks at once whether a periodic task is due.
func Tick(q *Queue, ctx context.Context, kind string) error {
	return (&ticker{q: q}).Work(ctx, &river.Job[args]{Args: args{Key: kind}})
}

type Steps = steps

func (s *steps) Back(wall time.Time, passed time.Duration) bool { return s.back(wall, passed) }
