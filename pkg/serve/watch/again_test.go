package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
	"github.com/intact-dev/intact/policies"
)

// growing is a cluster that gets one more container.
type growing struct{ more *atomic.Bool }

func (g growing) Observe(ctx context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	if g.more.Load() {
		r, err := ref.Parse("registry.invalid/other:1")
		if err != nil {
			return observe.Inventory{}, err
		}
		yield(observe.Container{
			Namespace: "shop", Pod: "other-x", Workload: observe.Workload{Kind: "Deployment", Name: "other", APIVersion: "apps/v1", UID: "o"},
			Spec: &observe.Spec{Container: fact.Container{Name: "main", Role: fact.RoleMain, Phase: fact.PhaseRunning, Runtime: "kubernetes", Image: r.String(), Ref: r}},
		})
	}
	return pod{}.Observe(ctx, yield)
}

// What changed after a run had recorded something and before it ended is told by
// the run after it.
func TestWhatRunsChangesBeforeTheRunIsRepeated(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), st.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, Checks: append(checks.All(), signing.Checks(nil, signing.Options{})...)}, "baseline@1")
	if err != nil {
		t.Fatal(err)
	}
	var more atomic.Bool
	told := 0
	w := &watch.Watcher{
		Store: st, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Tell: func(context.Context, *jobs.Tx) error {
			if !more.Swap(true) {
				return errors.New("the database is away")
			}
			told++
			return nil
		},
		Setup: func(context.Context, string) (watch.Setup, bool, error) {
			return watch.Setup{Every: time.Hour, Options: scan.Options{
				Policy: p, Checks: checks.All(), Now: time.Now(), Clock: time.Now, Depth: policy.DepthManifest, Layers: gather.NewLayers(1, nil, nil), Jobs: 1,
				Runtimes: []scan.Runtime{{Observer: growing{&more}, Name: "prod", Place: func(context.Context, observe.Container) (scan.Place, string, error) {
					return scan.Place{Source: nowhere{}}, "", nil
				}}},
				Signatures: scan.NewSigner(p, scan.SignerOptions{Clock: time.Now, PublicRoot: func(context.Context) ([]byte, error) { return nil, errors.New("none") }}),
			}}, true, nil
		},
	}
	ended := make(chan error)
	err = errors.Join(q.Handle(watch.Kind, jobs.Kind{Backoff: time.Millisecond}, func(ctx context.Context, r *jobs.Run) error {
		err := w.Run(ctx, r)
		ended <- err
		return err
	}), q.Start(t.Context()), q.Want(t.Context(), jobs.Task{Kind: watch.Kind, Key: "prod"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a run that could not end ended")
	}
	// The one that is repeated, and one that looks again if it wants that.
	for ok := true; ok; {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		s, _, err := q.State(t.Context(), watch.Kind, "prod")
		if err != nil {
			t.Fatal(err)
		}
		ok = s.Due.Before(time.Now().Add(time.Minute))
	}
	all, err := st.Happenings(t.Context(), store.HappeningFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, h := range all {
		var one happening.Happening
		if err := json.Unmarshal(h.Data, &one); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, one.Lines...)
	}
	for _, name := range []string{"registry.invalid/app:1", "registry.invalid/other:1"} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, name) }) {
			t.Errorf("nobody is told of %s: %q", name, lines)
		}
	}
	if len(all) != 2 || told == 0 {
		t.Errorf("%d happenings, told %d times", len(all), told)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := errors.Join(q.Stop(ctx), st.Close()); err != nil {
		t.Error(err)
	}
}
