package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// notifyKind is that of the tasks that tell one place; their key is its name.
const notifyKind = "notify"

// tell wants, for every place, that it is told what is new.
func (s *Service) tell(ctx context.Context, tx *jobs.Tx) error {
	var tasks []jobs.Task
	for _, n := range s.Snapshot().Config.Serve.Notify {
		tasks = append(tasks, jobs.Task{Kind: notifyKind, Key: n.Name, NotBefore: s.full.next(n.Name, s.o.Clock())})
	}
	return s.queue.WantTx(ctx, tx, tasks...)
}

// settling is how long after a push it is looked what runs: some of it may be the
// rollout that follows, and many pushes are looked at once.
const settling = 30 * time.Second

// judged is tell for a verdict that is news: what runs may be by that tag.
func (s *Service) judged(ctx context.Context, tx *jobs.Tx) error {
	var tasks []jobs.Task
	for _, w := range s.Snapshot().Config.Serve.Watch {
		tasks = append(tasks, jobs.Task{Kind: watch.Kind, Key: w.Context, NotBefore: s.o.Clock().Add(settling)})
	}
	if err := s.queue.WantTx(ctx, tx, tasks...); err != nil {
		return err
	}
	return s.tell(ctx, tx)
}

// introduce makes places known that a config has for the first time: they are told
// what happens from now on, and not all that ever did.
func (s *Service) introduce(ctx context.Context, c *config.Serve) error {
	last, err := s.o.Store.LastHappening(ctx)
	if err != nil {
		return err
	}
	for _, n := range c.Notify {
		known, err := s.o.Store.State(ctx, toldState(n.Name))
		if err != nil {
			return err
		}
		if len(known.Data) > 0 {
			continue
		}
		if err := s.remember(ctx, n.Name, &told{After: last}, s.o.Clock().UTC()); err != nil {
			return err
		}
	}
	return nil
}

// notify tells one place what it does not know yet. It remembers after every
// message what was sent: if the process dies at most one is sent twice, with the
// same ID.
func (s *Service) notify(ctx context.Context, run *jobs.Run) error {
	now := s.Snapshot()
	i := slices.IndexFunc(now.Config.Serve.Notify, func(n config.Notify) bool { return n.Name == run.Key })
	if i < 0 {
		return run.Commit(ctx, nil)
	}
	c := now.Config.Serve.Notify[i]
	place, err := s.placeOf(c)
	if err != nil {
		return err
	}
	at := s.o.Clock().UTC()
	t, step, fresh, err := s.plan(ctx, c, now.Config.Serve.Limits.Notifications, at)
	if err != nil {
		return fmt.Errorf("notify %q: %w", c.Name, err)
	}
	pause := t.pause(place, at)
	s.full.set(c.Name, at, max(pause, step.Full.Sub(at)))
	if pause > 0 {
		if fresh { // the store may not keep what happened for so long
			if err := s.remember(ctx, c.Name, &t, at); err != nil {
				return fmt.Errorf("notify %q: %w", c.Name, err)
			}
		}
		return run.CommitAgain(ctx, pause, nil)
	}
	later, err := s.send(ctx, place, &t, step, at)
	if err != nil {
		return fmt.Errorf("notify %q: %w", c.Name, err)
	}
	if !step.Again.IsZero() && (later == 0 || step.Again.Sub(at) < later) {
		later = max(step.Again.Sub(at), time.Second)
	}
	if later > 0 {
		return run.CommitAgain(ctx, later, nil)
	}
	return run.Commit(ctx, nil)
}

func (s *Service) placeOf(c config.Notify) (notify.Place, error) {
	url, err := s.o.Secret(c.URL)
	if err != nil {
		return notify.Place{}, fmt.Errorf("notify %q: its URL: %w", c.Name, err)
	}
	var secret string
	if c.Secret != (config.Secret{}) {
		if secret, err = s.o.Secret(c.Secret); err != nil {
			return notify.Place{}, fmt.Errorf("notify %q: its secret: %w", c.Name, err)
		}
	}
	return notify.NewPlace(c.Name, notify.Kind(c.Kind), url, secret, nil)
}

// page is how many happenings are read at a time.
const page = 500

// plan is what is remembered of a place and what to do about it, with what is new for
// it, if anything is.
func (s *Service) plan(ctx context.Context, c config.Notify, limit int, at time.Time) (t told, step notify.Step, fresh bool, err error) {
	state, err := s.o.Store.State(ctx, toldState(c.Name))
	if err != nil {
		return t, step, false, err
	}
	if len(state.Data) > 0 {
		if err := json.Unmarshal(state.Data, &t); err != nil {
			return t, step, false, fmt.Errorf("state %q: %w", toldState(c.Name), err)
		}
	}
	for {
		list, err := s.o.Store.Happenings(ctx, store.HappeningFilter{After: t.After, Limit: page})
		if err != nil {
			return t, step, false, err
		}
		for _, row := range list {
			t.After = row.ID
			var h happening.Happening
			if err := json.Unmarshal(row.Data, &h); err != nil {
				return t, step, false, fmt.Errorf("happening %d: %w", row.ID, err)
			}
			if fresh = true; h.Wanted(c.On) {
				t.Waiting = append(t.Waiting, h)
			}
		}
		step = notify.Plan(at, limit, t.Told, t.Waiting)
		t.settle(step, at)
		if len(list) < page {
			return t, step, fresh, nil
		}
	}
}

// send does a step, and says when to try again what failed; 0 = nothing did.
func (s *Service) send(ctx context.Context, place notify.Place, t *told, step notify.Step, at time.Time) (time.Duration, error) {
	messages := slices.Clone(step.Send)
	if step.Fold != nil {
		messages = append(messages, *step.Fold)
	}
	for _, h := range messages {
		err := s.sender.Send(ctx, place, h)
		one, folded, part := notify.Sent, notify.Summary, notify.InFold
		var failed *notify.Error
		switch {
		case err == nil:
			t.Failed = 0
			s.o.Metrics.Notified(place.Name(), ops.Succeeded)
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.As(err, &failed) && failed.Retry:
			t.Failed++
			s.o.Metrics.Notified(place.Name(), ops.Failed)
			s.o.Log.WarnContext(ctx, "a place could not be told; it is tried again", "place", place, "happening", h.ID, "error", err.Error())
			wait := max(failed.After, min(5*time.Second<<min(t.Failed, 10), 10*time.Minute))
			t.Since, t.Until, t.To = at, at.Add(wait), place.Mark()
			return wait, s.remember(ctx, place.Name(), t, at)
		default:
			s.o.Metrics.Notified(place.Name(), ops.Dropped)
			s.o.Log.ErrorContext(ctx, "a place refuses to be told", "place", place, "happening", h.ID, "error", err.Error())
			one, folded, part = notify.Refused, notify.Refused, notify.Refused
		}
		if step.Fold != nil && h.ID == step.Fold.ID {
			t.fate(folded, at, h)
			t.fate(part, at, step.Folded...)
		} else {
			t.fate(one, at, h)
		}
		if err := s.remember(ctx, place.Name(), t, at); err != nil {
			return 0, err
		}
	}
	return 0, s.remember(ctx, place.Name(), t, at)
}
