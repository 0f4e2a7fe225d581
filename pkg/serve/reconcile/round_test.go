package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/reconcile"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A registry has tags in an order; of those without a digest it does not say what
// they are.
type registry struct {
	tags []string
	is   map[string]ref.Digest
}

func (r registry) Tags(_ context.Context, _ ref.Ref, yield func(string) error) error {
	for _, t := range r.tags {
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

func (registry) Repositories(context.Context, string, func(string) error) error { return nil }

func (r registry) Head(_ context.Context, n ref.Ref) (*image.Answer, error) {
	if r.is[n.Tag] == "" {
		return nil, errors.New("500 internal server error")
	}
	return &image.Answer{DigestClaim: r.is[n.Tag]}, nil
}

type known map[string]ref.Digest

func (k known) Tags(context.Context, string) (map[string]ref.Digest, error) { return k, nil }
func (known) Repositories(context.Context) ([]string, error)                { return nil, nil }

const repository = "registry.acme.example/app"

// run runs one task of a kind, and returns the tags that are wanted judged and what
// waits after it.
func run(t *testing.T, kind, key string, r registry, k known, every time.Duration) (judged []string, later int) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), st.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &reconcile.Reconciler{
		Ledger: k, Memory: st, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Setup: func(context.Context) (reconcile.Registry, reconcile.Scope, error) {
			return r, reconcile.Scope{Every: every, Repositories: []string{repository}, Watched: func(string) bool { return true }}, nil
		},
		Want: func(_ context.Context, tasks ...jobs.Task) error {
			for _, task := range tasks {
				judged = append(judged, task.Key)
			}
			return nil
		},
	}
	ended := make(chan struct{}, 10)
	handle := func(h jobs.Handler) jobs.Handler {
		return func(ctx context.Context, r *jobs.Run) error {
			err := h(ctx, r)
			ended <- struct{}{}
			return err
		}
	}
	err = errors.Join(q.Handle(reconcile.AllKind, jobs.Kind{}, handle(c.Round)), q.Handle(reconcile.Kind, jobs.Kind{Backoff: time.Hour}, handle(c.Repository)),
		q.Start(t.Context()), q.Want(t.Context(), jobs.Task{Kind: kind, Key: key}))
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	stats, err := q.Lag(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stats {
		later += s.Later
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := errors.Join(q.Stop(ctx), st.Close()); err != nil {
		t.Error(err)
	}
	slices.Sort(judged)
	return judged, later
}

func TestARoundIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	if _, later := run(t, reconcile.AllKind, reconcile.AllKind, registry{}, nil, time.Hour); later != 1 {
		t.Errorf("%d rounds wait after one; expected 1", later)
	}
	if wanted, later := run(t, reconcile.AllKind, reconcile.AllKind, registry{}, nil, 0); later != 0 || wanted != nil {
		t.Errorf("nothing is to be reconciled, and %d rounds wait, and %v", later, wanted)
	}
}

func TestATagThatCannotBeHadHidesNoOther(t *testing.T) {
	t.Parallel()
	one, two := ref.DigestOf([]byte("one"), ""), ref.DigestOf([]byte("two"), "")
	r := registry{tags: []string{"a", "broken", "b", "c"}, is: map[string]ref.Digest{"a": one, "b": two, "c": two}}
	got, _ := run(t, reconcile.Kind, repository, r, known{"a": one, "broken": one, "b": one, "c": two, "gone": one}, time.Hour)
	want := []string{repository + ":b", repository + ":broken", repository + ":gone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
}

func TestARegistryThatAnswersNothingHasLostNothing(t *testing.T) {
	t.Parallel()
	one := ref.DigestOf([]byte("one"), "")
	r := registry{tags: []string{"a", "b", "c", "d", "e", "f", "g"}, is: map[string]ref.Digest{"a": one}}
	got, _ := run(t, reconcile.Kind, repository, r, known{"b": one, "z": one}, time.Hour)
	if diff := cmp.Diff([]string{repository + ":a"}, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
}
