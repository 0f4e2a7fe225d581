package watch

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// Unreported is the name of the state that holds why policy reports could not be
// written into a place.
func Unreported(place string) string { return "unreported " + place }

// see lets what policy reports need be remembered of the run to come; nil if there
// are none.
func (s *Setup) see() *policyreport.Seen {
	if s.Reports == nil || len(s.Options.Runtimes) == 0 {
		return nil
	}
	s.Options.Runtimes = slices.Clone(s.Options.Runtimes) // they are those of all runs
	seen := policyreport.See(s.Options.Runtimes[0].Observer)
	s.Options.Runtimes[0].Observer = seen
	return seen
}

// report writes the policy reports of a run. That it cannot is no reason not to
// look again, and is told once, until it can or cannot for another reason. What it
// returns is to be done when the run is committed, and says whether it is news.
func (w *Watcher) report(ctx context.Context, run *jobs.Run, reports *policyreport.Writer, r *report.Report, seen *policyreport.Seen) (func(*jobs.Tx) (bool, error), error) {
	var problem string
	at := w.Clock().UTC()
	if seen != nil {
		counts, err := reports.Write(ctx, r, seen, at)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx) // and nothing is wrong with the place
		}
		if w.Reported != nil {
			w.Reported(run.Key, counts)
		}
		if err != nil {
			problem = err.Error()
			w.Log.ErrorContext(ctx, "policy reports could not be written", "place", run.Key, "failed", counts.Failed, "written", counts.Written, "error", problem)
		} else {
			w.Log.InfoContext(ctx, "policy reports were written", "place", run.Key, "written", counts.Written, "unchanged", counts.Unchanged, "removed", counts.Removed)
		}
	}
	before, err := w.Store.State(ctx, Unreported(run.Key))
	if err != nil {
		return nil, err
	}
	set := func(tx *jobs.Tx) error {
		return store.SetStateTx(ctx, tx.Tx, Unreported(run.Key), []byte(problem), at)
	}
	switch {
	case problem == "" && len(before.Data) == 0, problem != "" && problem == string(before.Data) && at.Sub(before.Changed) < 24*time.Hour:
		return func(*jobs.Tx) (bool, error) { return false, nil }, nil
	case problem == "":
		return func(tx *jobs.Tx) (bool, error) { return false, set(tx) }, nil
	}
	h := happening.Happening{
		ID: id(run) + " reports", Type: happening.RunningUnreported, At: at, Subject: run.Key,
		Title: "policy reports about what runs in " + run.Key + " could not be written", Lines: []string{problem}, Verdict: policy.Undecided, Cause: Kind,
	}
	data, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if err := w.Store.AddHappenings(ctx, store.Happening{Key: h.ID, Type: string(h.Type), Subject: h.Subject, At: h.At, Data: data}); err != nil {
		return nil, err
	}
	return func(tx *jobs.Tx) (bool, error) { return true, set(tx) }, nil
}
