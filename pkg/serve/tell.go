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
		tasks = append(tasks, jobs.Task{Kind: notifyKind, Key: n.Name})
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

// A told is what is remembered of a place: up to which happening it knows, what
// became of the last ones, and what waits.
type told struct {
	After   int64                 `json:"after"`
	Told    []notify.Told         `json:"told,omitempty"`
	Waiting []happening.Happening `json:"waiting,omitempty"`
	Failed  int                   `json:"failed,omitempty"` // attempts in a row
	// The last of them was at Since, and To is the mark of where it went: nothing is
	// sent there before Until.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	To    string    `json:"to,omitempty"`
}

// pause is how long nothing is sent to a place that failed, however much happens
// meanwhile. It does not hold for another address, nor if the clock was put back.
func (t *told) pause(place notify.Place, at time.Time) time.Duration {
	if t.To != place.Mark() || at.Before(t.Since) {
		return 0
	}
	return max(0, t.Until.Sub(at))
}

func toldState(place string) string { return "notify " + place }

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
	t, fresh, err := s.waiting(ctx, c)
	if err != nil {
		return fmt.Errorf("notify %q: %w", c.Name, err)
	}
	at := s.o.Clock().UTC()
	if pause := t.pause(place, at); pause > 0 {
		if fresh { // the store may not keep what happened for so long
			if err := s.remember(ctx, c.Name, &t, at); err != nil {
				return fmt.Errorf("notify %q: %w", c.Name, err)
			}
		}
		return run.CommitAgain(ctx, pause, nil)
	}
	step := notify.Plan(at, now.Config.Serve.Limits.Notifications, t.Told, t.Waiting)
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

// waiting is what is remembered of a place, with what is new for it, if anything is.
func (s *Service) waiting(ctx context.Context, c config.Notify) (t told, fresh bool, err error) {
	state, err := s.o.Store.State(ctx, toldState(c.Name))
	if err != nil {
		return t, false, err
	}
	if len(state.Data) > 0 {
		if err := json.Unmarshal(state.Data, &t); err != nil {
			return t, false, fmt.Errorf("state %q: %w", toldState(c.Name), err)
		}
	}
	for {
		list, err := s.o.Store.Happenings(ctx, store.HappeningFilter{After: t.After, Limit: page})
		if err != nil {
			return t, false, err
		}
		for _, row := range list {
			t.After = row.ID
			var h happening.Happening
			if err := json.Unmarshal(row.Data, &h); err != nil {
				return t, false, fmt.Errorf("happening %d: %w", row.ID, err)
			}
			if fresh = true; h.Wanted(c.On) {
				t.Waiting = append(t.Waiting, h)
			}
		}
		if len(list) < page {
			return t, fresh, nil
		}
	}
}

// send does a step, and says when to try again what failed; 0 = nothing did.
func (s *Service) send(ctx context.Context, place notify.Place, t *told, step notify.Step, at time.Time) (time.Duration, error) {
	for _, h := range step.Done {
		t.drop(h)
	}
	for _, h := range step.Held {
		t.fate(h, notify.Held, at)
	}
	for _, h := range step.Repeated {
		t.fate(h, notify.Repeated, at)
	}
	messages := slices.Clone(step.Send)
	if step.Fold != nil {
		messages = append(messages, *step.Fold)
	}
	for _, h := range messages {
		err := s.sender.Send(ctx, place, h)
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
		}
		if step.Fold != nil && h.ID == step.Fold.ID {
			t.Told = append(t.Told, notify.Told{ID: h.ID, Fate: notify.Summary, At: at, Happened: h.At, Subject: h.Subject, Title: h.Title})
			for _, f := range step.Folded {
				t.fate(f, notify.InFold, at)
			}
		} else {
			t.fate(h, notify.Sent, at)
		}
		if err := s.remember(ctx, place.Name(), t, at); err != nil {
			return 0, err
		}
	}
	return 0, s.remember(ctx, place.Name(), t, at)
}

// fate says what became of h at the place.
func (t *told) fate(h happening.Happening, f notify.Fate, at time.Time) {
	t.Told = slices.DeleteFunc(t.Told, func(o notify.Told) bool { return o.ID == h.ID })
	t.Told = append(t.Told, notify.Told{ID: h.ID, Fate: f, At: at, Happened: h.At, Subject: h.Subject, Title: h.Title})
	if f != notify.Held && f != notify.Repeated {
		t.drop(h)
	}
}

func (t *told) drop(h happening.Happening) {
	t.Waiting = slices.DeleteFunc(t.Waiting, func(o happening.Happening) bool { return o.ID == h.ID })
}

// remember writes t down, without what no plan needs any more.
func (s *Service) remember(ctx context.Context, place string, t *told, at time.Time) error {
	t.Told = slices.DeleteFunc(t.Told, func(o notify.Told) bool {
		waits := o.Fate == notify.Held || o.Fate == notify.Repeated
		return !waits && at.Sub(o.At).Abs() > 2*notify.Window
	})
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.o.Store.SetState(ctx, toldState(place), data, at)
}
