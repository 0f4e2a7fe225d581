package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A place that cannot be looked at is told once, and once more if it was seen in
// between.
func TestAPlaceThatIsLostAgain(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), st.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	w := &watch.Watcher{
		Store: st, Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Tell: func(context.Context, *jobs.Tx) error { return nil },
		Setup: func(context.Context, string) (watch.Setup, bool, error) {
			return watch.Setup{}, true, errors.New("connection refused")
		},
	}
	ended := make(chan error)
	err = errors.Join(q.Handle(watch.Kind, jobs.Kind{}, func(ctx context.Context, r *jobs.Run) error {
		err := w.Run(ctx, r)
		ended <- err
		return err
	}), q.Start(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	look := func(want int) {
		t.Helper()
		if err := q.Want(t.Context(), jobs.Task{Kind: watch.Kind, Key: "prod"}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		if all, err := st.Happenings(t.Context(), store.HappeningFilter{}); err != nil || len(all) != want {
			t.Errorf("told %d times, expected %d; %v", len(all), want, err)
		}
	}
	look(1)
	look(1)
	if err := st.SetState(t.Context(), watch.State("prod"), []byte("{}"), now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	look(2)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := errors.Join(q.Stop(ctx), st.Close()); err != nil {
		t.Error(err)
	}
}
