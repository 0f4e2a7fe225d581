package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/reconcile"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A limiting registry answers some requests and then 429.
type limiting struct {
	registry
	left  int
	asked []string
}

func (l *limiting) Head(ctx context.Context, n ref.Ref) (*image.Answer, error) {
	if l.left == 0 {
		return nil, &image.Error{Op: "head", Cause: fact.RateLimited, Err: errors.New("429 too many requests")}
	}
	l.left--
	l.asked = append(l.asked, n.Tag)
	return l.registry.Head(ctx, n)
}

// A look is what one run asked for and wanted judged.
type look struct{ Asked, Judged string }

// looks runs the task of a repository once for each number: of requests that the
// registry answers in that run, after which between is done.
func looks(t *testing.T, r *limiting, k known, clock func() time.Time, between func(n int), limits ...int) []look {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), st.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var judged []string
	c := &reconcile.Reconciler{
		Ledger: k, Memory: st, Clock: clock, Log: slog.New(slog.DiscardHandler),
		Setup: func(context.Context) (reconcile.Registry, reconcile.Scope, error) { return r, reconcile.Scope{}, nil },
		Want: func(_ context.Context, tasks ...jobs.Task) error {
			for _, task := range tasks {
				judged = append(judged, strings.TrimPrefix(task.Key, repository+":"))
			}
			return nil
		},
	}
	if err := errors.Join(q.Handle(reconcile.Kind, jobs.Kind{Backoff: time.Millisecond}, c.Repository), q.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	var out []look
	for n, limit := range limits {
		r.left, r.asked, judged = limit, nil, nil
		if err := q.Want(t.Context(), jobs.Task{Kind: reconcile.Kind, Key: repository}); err != nil {
			t.Fatal(err)
		}
		for done := false; !done; time.Sleep(5 * time.Millisecond) {
			s, _, err := q.State(t.Context(), reconcile.Kind, repository)
			if err != nil {
				t.Fatal(err)
			}
			done = s.Wanted == s.Done || s.Due.After(time.Now().Add(time.Minute)) // it snoozes
		}
		slices.Sort(judged)
		out = append(out, look{strings.Join(r.asked, " "), strings.Join(judged, " ")})
		if between != nil {
			between(n)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := errors.Join(q.Stop(ctx), st.Close()); err != nil {
		t.Error(err)
	}
	return out
}

func alphabet(n int) (tags []string, is map[string]ref.Digest) {
	is = map[string]ref.Digest{}
	for i := range n {
		tag := string(rune('a' + i))
		tags = append(tags, tag)
		is[tag] = ref.DigestOf(fmt.Append(nil, i), "")
	}
	return tags, is
}

// A look that the registry stopped goes on where it stopped, and the next one begins
// anew.
func TestALookThatIsStoppedGoesOn(t *testing.T) {
	t.Parallel()
	tags, is := alphabet(8)
	one := ref.DigestOf([]byte("one"), "")
	k := known{"b": one, "gone": one, "c": one} // b and c moved, all others are as they were
	for _, tag := range []string{"a", "d", "e", "f", "g", "h"} {
		k[tag] = is[tag]
	}
	is["c"] = "" // it does not say what c is
	got := looks(t, &limiting{registry: registry{tags, is}}, k, time.Now, nil, 4, 0, 3, 100, 100)
	want := []look{
		{"a b c d", "b"}, {"", ""}, {"e f g", ""},
		{"h", "c gone"}, // of the whole, not only of the last part
		{"a b c d e f g h", "b c gone"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAListThatChangedInBetween(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after func(tags []string) []string
		want  string
	}{
		"the last one is gone":                  {func(tags []string) []string { return slices.Delete(tags, 1, 2) }, "c d"},
		"one is new":                            {func(tags []string) []string { return slices.Insert(tags, 2, "bb") }, "bb c d"},
		"it is in no order, and lacks the last": {func([]string) []string { return []string{"d", "a", "c"} }, "d a c"},
		"it is in no order":                     {func([]string) []string { return []string{"d", "b", "a", "c"} }, "a c"},
	} {
		tags, is := alphabet(4)
		is["bb"] = is["a"]
		r := &limiting{registry: registry{tags, is}}
		got := looks(t, r, known(is), time.Now, func(n int) {
			if n == 0 {
				r.tags = tt.after(r.tags)
			}
		}, 2, 100)
		if got[0].Asked != "a b" || got[1].Asked != tt.want {
			t.Errorf("%s: %+v, want %s", name, got, tt.want)
		}
	}
}

// What was looked at a day ago is looked at again.
func TestAPositionThatIsOld(t *testing.T) {
	t.Parallel()
	tags, is := alphabet(4)
	now := time.Now()
	got := looks(t, &limiting{registry: registry{tags, is}}, known(is), func() time.Time { return now }, func(int) { now = now.Add(25 * time.Hour) }, 2, 100)
	if got[1].Asked != "a b c d" {
		t.Errorf("%+v", got)
	}
}
