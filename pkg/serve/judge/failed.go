package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// stubborn is how often judging fails for a reason of our own before that itself is
// the verdict. A task that was given up in silence would leave the last one as if it
// were of what the tag is now.
const stubborn = 8

// lateTime is for what is written down when the time of a run is over.
const lateTime = 10 * time.Second

// Run implements [jobs.Handler].
func (j *Judge) Run(ctx context.Context, run *jobs.Run) error {
	err := j.try(ctx, run)
	if err == nil || jobs.Snoozed(err) || run.Attempt < stubborn || errors.Is(err, jobs.ErrLost) || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTime)
	defer cancel()
	if failed := j.failed(late, run, err); failed != nil {
		return errors.Join(err, failed)
	}
	return nil
}

// try makes an error of a panic.
func (j *Judge) try(ctx context.Context, run *jobs.Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("judge %q: panic: %v\n%s", run.Key, p, debug.Stack())
		}
	}()
	return j.run(ctx, run)
}

// failed records that a reference could not be judged.
func (j *Judge) failed(ctx context.Context, run *jobs.Run, why error) error {
	j.Log.ErrorContext(ctx, "a tag cannot be judged", "tag", run.Key, "attempt", run.Attempt, "error", why.Error())
	var cause Cause
	if err := json.Unmarshal(run.Payload, &cause); err != nil {
		return err
	}
	r, err := ref.Parse(run.Key)
	if err != nil {
		return err
	}
	setup, err := j.Setup(ctx)
	if err != nil {
		return err
	}
	last, err := j.last(ctx, r, run.Key)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(why.Error(), "\n") // a panic has a stack
	target := report.Unjudged(run.Key, text, fact.Internal)
	o := &outcome{
		ref: r, cause: cause.Cause, asked: cause.Asked, at: j.Clock().UTC(), target: target, before: fact.Missing[fact.TagHistory](fact.Internal, text),
		report: &report.Report{
			Schema: report.Schema, Tool: setup.Options.Tool, Policy: report.Policy{Name: setup.Options.Policy.Name(), Digest: string(setup.Options.Policy.Digest())},
			Evaluated: setup.Options.Now, Verdict: policy.Undecided, Images: []report.Image{}, Targets: []report.Target{target},
		},
	}
	o.report.Counts.AddTarget(target)
	return j.record(ctx, setup, run, o, last)
}
