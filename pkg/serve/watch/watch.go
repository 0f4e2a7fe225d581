// Package watch looks at what runs in the places of the config, again and again:
// on a schedule, after a push, when policy or trust roots changed. What is judged
// another way than last time is told; the last report of each place is kept.
package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// Kind is that of the tasks; their key is the name of a context.
const Kind = "watch"

// State is the name of the store's state that holds the last report of a place.
func State(place string) string { return "inventory " + place }

// Lost is the name of the state that holds why a place could not be looked at.
func Lost(place string) string { return "lost " + place }

// A Setup is how to look at one place.
type Setup struct {
	Options scan.Options // with its runtime
	Every   time.Duration
	// Reports writes policy reports into the place; nil = nobody asked.
	Reports *policyreport.Writer
}

// A Watcher looks. It may be used concurrently.
type Watcher struct {
	Store *store.Store
	// Setup returns what is valid now; ok is false if the place is not configured
	// any more.
	Setup func(ctx context.Context, place string) (s Setup, ok bool, err error)
	Tell  func(ctx context.Context, tx *jobs.Tx) error
	// Reported is told what became of policy reports; nil = nobody is.
	Reported func(place string, c policyreport.Counts)
	Clock    func() time.Time
	Log      *slog.Logger
}

// Run implements [jobs.Handler]. It wants itself again, also if it could not look:
// only then is it still the one that notices when the place is back.
func (w *Watcher) Run(ctx context.Context, run *jobs.Run) error {
	setup, ok, err := w.Setup(ctx, run.Key)
	if !ok && err == nil {
		return run.Commit(ctx, nil)
	}
	if done, failed := w.resumed(ctx, run); done || failed != nil {
		return failed
	}
	if err != nil {
		return w.lost(ctx, run, err)
	}
	at := w.Clock().UTC()
	seen := setup.see()
	r := scan.Run(ctx, nil, setup.Options)
	before, err := w.Store.State(ctx, State(run.Key))
	if err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	h, body, err := compare(run, at, before.Data, r)
	if err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	w.Log.InfoContext(ctx, "looked at what runs", "place", run.Key, "verdict", r.Verdict.String(), "targets", len(r.Targets), "news", h != nil)
	if err := w.record(ctx, run, at, r, body, h); err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	reported, err := w.report(ctx, run, setup.Reports, r, seen)
	if err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	return run.CommitAgain(ctx, setup.Every, func(tx *jobs.Tx) error {
		if err := store.SetStateTx(ctx, tx.Tx, State(run.Key), body, at); err != nil {
			return err
		}
		news, err := reported(tx)
		if err != nil || h == nil && !news {
			return err
		}
		return w.Tell(ctx, tx)
	})
}

// resumed ends a run that recorded what it saw and did not end: that is what the
// next one, which begins at once, compares with. There is one verdict of a run.
func (w *Watcher) resumed(ctx context.Context, run *jobs.Run) (bool, error) {
	v, err := w.Store.VerdictOf(ctx, id(run))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("watch %q: %w", run.Key, err)
	case len(v.Report) == 0:
		return false, nil // so long ago that it is not kept
	}
	return true, run.CommitAgain(ctx, 0, func(tx *jobs.Tx) error {
		if err := store.SetStateTx(ctx, tx.Tx, State(run.Key), v.Report, v.At); err != nil {
			return err
		}
		return w.Tell(ctx, tx)
	})
}

func (w *Watcher) record(ctx context.Context, run *jobs.Run, at time.Time, r *report.Report, body []byte, h *happening.Happening) error {
	if h == nil {
		return nil
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = w.Store.AddVerdict(ctx, store.Verdict{
		Key: h.ID, Decision: r.Verdict.String(), Policy: r.Policy.Digest, At: at, Source: Kind + " " + run.Key, Report: body,
	}, store.Happening{Key: h.ID, Type: string(h.Type), Subject: h.Subject, At: h.At, Data: data})
	return err
}

// again is how long after a failure a place is looked at again.
const again = 5 * time.Minute

// lost tells once that a place cannot be looked at at all.
func (w *Watcher) lost(ctx context.Context, run *jobs.Run, cause error) error {
	w.Log.ErrorContext(ctx, "what runs could not be looked at", "place", run.Key, "error", cause.Error())
	at := w.Clock().UTC()
	before, err := w.Store.State(ctx, Lost(run.Key))
	if err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	seen, err := w.Store.State(ctx, State(run.Key))
	if err != nil {
		return fmt.Errorf("watch %q: %w", run.Key, err)
	}
	// Lost again after it was seen is news, and the last report is not of now.
	news := seen.Changed.After(before.Changed) || string(before.Data) != cause.Error() || at.Sub(before.Changed) > 24*time.Hour
	if news {
		h := happening.Happening{
			ID: id(run), Type: happening.RunningUnseen, At: at, Subject: run.Key, Title: "what runs in " + run.Key + " could not be looked at",
			Lines: []string{cause.Error()}, Verdict: policy.Undecided, Cause: Kind,
		}
		data, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("watch %q: %w", run.Key, err)
		}
		if err := w.Store.AddHappenings(ctx, store.Happening{Key: h.ID, Type: string(h.Type), Subject: h.Subject, At: h.At, Data: data}); err != nil {
			return fmt.Errorf("watch %q: %w", run.Key, err)
		}
	}
	return run.CommitAgain(ctx, again, func(tx *jobs.Tx) error {
		if !news {
			return nil
		}
		if err := store.SetStateTx(ctx, tx.Tx, Lost(run.Key), []byte(cause.Error()), at); err != nil {
			return err
		}
		return w.Tell(ctx, tx)
	})
}

func id(run *jobs.Run) string { return fmt.Sprintf("%s %s %d", Kind, run.Key, run.Generation) }

// compare says what r has that the report before had not; nil if that is nothing.
func compare(run *jobs.Run, at time.Time, before []byte, r *report.Report) (*happening.Happening, []byte, error) {
	var body bytes.Buffer
	if err := report.WriteJSON(&body, r); err != nil {
		return nil, nil, err
	}
	h := &happening.Happening{ID: id(run), Type: happening.RunningChanged, At: at, Subject: run.Key, Verdict: r.Verdict, Report: id(run), Cause: Kind}
	if len(before) == 0 {
		h.Title = fmt.Sprintf("%s: %s, looked at for the first time", run.Key, r.Verdict)
		h.Lines = first(append(told(r, nil), open(r, nil)...))
		return h, body.Bytes(), nil
	}
	old, err := report.ReadBaseline(bytes.NewReader(before))
	if err != nil {
		return nil, nil, fmt.Errorf("the last report: %w", err)
	}
	was, err := formerOf(before)
	if err != nil {
		return nil, nil, fmt.Errorf("the last report: %w", err)
	}
	since := old.Compare(r)
	news, unknown := told(r, old), open(r, was.undecided)
	if len(news)+len(unknown) == 0 && since.Fixed == 0 && was.verdict == r.Verdict {
		return nil, body.Bytes(), nil
	}
	h.Was, h.Lines = was.verdict.String(), first(append(news, unknown...))
	h.Title = fmt.Sprintf("%s: %s, was %s; %d new findings, %d mended", run.Key, r.Verdict, was.verdict, len(news), since.Fixed)
	if len(unknown) > 0 {
		h.Title += fmt.Sprintf(", %d more undecided", len(unknown))
	}
	return h, body.Bytes(), nil
}
