<<<<<<< HEAD
package watch

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// seen is a report of one container about which there are findings.
func seen(verdict policy.Decision, messages ...string) *report.Report {
	r := &report.Report{Schema: report.Schema, Verdict: verdict, Images: []report.Image{}}
	res := report.Result{Result: check.Result{Check: "RUN002", Outcome: check.Pass}, Decision: policy.Allow, Level: policy.LevelDeny}
	for _, m := range messages {
		res.Outcome, res.Decision = check.Fail, policy.Deny
		res.Findings = append(res.Findings, check.Finding{Message: m})
	}
	r.Targets = []report.Target{{
		Kind: ref.KindImage, Ref: "example.com/app:1", Container: "app", Results: []report.Result{res},
		Origins: report.OriginsOf(report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: "shop/Deployment/app"}}),
	}}
	return r
}

func TestCompareWithLastTime(t *testing.T) {
	t.Parallel()
	run := &jobs.Run{Task: jobs.Task{Key: "prod"}, Generation: 7}
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	var one bytes.Buffer
	if err := report.WriteJSON(&one, seen(policy.Deny, "the tag has moved")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		before []byte
		now    *report.Report
		title  string // "" = nothing is told
		lines  int
	}{
		"the first time":    {nil, seen(policy.Deny, "the tag has moved"), "for the first time", 1},
		"the same":          {one.Bytes(), seen(policy.Deny, "the tag has moved"), "", 0},
		"one more":          {one.Bytes(), seen(policy.Deny, "the tag has moved", "another thing"), "1 new findings", 1},
		"mended":            {one.Bytes(), seen(policy.Allow), "allow, was deny", 0},
		"not seen any more": {one.Bytes(), &report.Report{Schema: report.Schema, Verdict: policy.Undecided}, "undecided, was deny", 0},
	} {
		h, body, err := compare(run, at, tt.before, tt.now)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case (h == nil) != (tt.title == ""), h != nil && (!strings.Contains(h.Title, tt.title) || len(h.Lines) != tt.lines || h.ID != "watch prod 7"):
			t.Errorf("%s: told %+v", name, h)
		case len(body) == 0:
			t.Errorf("%s: no report is kept", name)
		}
	}
	if _, _, err := compare(run, at, []byte("{"), seen(policy.Allow)); err == nil {
		t.Error("a last report that is damaged passes")
	}
	if got := first(make([]string, 200)); len(got) != most+1 {
		t.Errorf("%d lines", len(got))
=======
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
>>>>>>> attack
	}
}
