// Package judge answers one question, again and again: what does this tag mean
// now, and may it? It resolves the tag anew at its registry, scans what it means,
// compares that with the ledger, records the change and the verdict, and says what
// happened. Whatever made somebody ask is only a hint. An image that is named by
// its digest is judged as well; it has no history of changes, and the ledger is
// left alone.
package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A Setup is how to scan: one version of policy, configuration and trust roots. A
// run uses one for all that it does.
type Setup struct {
	Options scan.Options // TagBefore is the Judge's
	// Place is where r is read. What its Listings keep is not used while a signature
	// is awaited, where none is waited for, and for who asked.
	Place func(r ref.Ref) scan.Place
	// Tags lists the tags of a repository, as the registry's source does.
	Tags  func(ctx context.Context, r ref.Ref, yield func(tag string) error) error
	Grace time.Duration
	// Attest signs a verdict that is news and decided; nil = nobody asked for it.
	Attest func(ctx context.Context, r *report.Report, name ref.Ref) error
}

// A Judge judges tags. It may be used concurrently.
type Judge struct {
	Store *store.Store
	// Setup returns what is valid now.
	Setup func(ctx context.Context) (Setup, error)
	// Tell wants, as part of a transaction, that h is told to whom it concerns.
	Tell func(ctx context.Context, tx *jobs.Tx) error
	// Judged is told of each verdict, recorded or the same again; waits is that it
	// is none yet. It may be nil.
	Judged func(d policy.Decision, waits bool)
	Clock  func() time.Time
	Log    *slog.Logger
}

// tries is how often a registry that does not answer is asked again before that
// itself is the verdict.
const tries = 4

// again is how long after an undecided verdict a registry is asked again, if since
// is how long it has not answered: soon after a restart, seldom after hours.
func again(since time.Duration) time.Duration {
	return min(max(since/2, 10*time.Second), 10*time.Minute)
}

func (j *Judge) run(ctx context.Context, run *jobs.Run) error {
	var cause Cause
	if err := json.Unmarshal(run.Payload, &cause); err != nil {
		return fmt.Errorf("judge %q: payload: %w", run.Key, err)
	}
	r, err := ref.Parse(run.Key)
	if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	setup, err := j.Setup(ctx)
	if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	look, err := j.Store.Look(ctx)
	if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	last, err := j.last(ctx, r, run.Key)
	if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	place := setup.Place(r)
	switch {
	case place.Listings == nil:
	case setup.Grace <= 0: // the first look is the last
		place.Listings = nil
	case last.awaiting || !cause.Asked.IsZero():
		place.Listings = signatures.Anew(place.Listings)
	}
	o := j.scan(ctx, setup, place, r, cause)
	if o.early(cause, last) { // most are there a moment later, and a task that waits is seconds late
		if err := wait(ctx, lookAgain); err != nil {
			return fmt.Errorf("judge %q: %w", run.Key, err)
		}
		if look, err = j.Store.Look(ctx); err != nil {
			return fmt.Errorf("judge %q: %w", run.Key, err)
		}
		o = j.scan(ctx, setup, place, r, cause)
	}
	if o.lost() && run.Attempt < tries {
		return fmt.Errorf("judge %q: %s", run.Key, o.target.Error)
	}
	if r.Digest != "" {
		return j.record(ctx, setup, run, o, last)
	}
	if err := j.observe(ctx, o, look); errors.Is(err, store.ErrOutdated) {
		return jobs.Snooze(0)
	} else if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	if o.early(cause, last) {
		return jobs.Snooze(lookAgain)
	}
	if o.nothing() {
		j.Log.InfoContext(ctx, "nothing to judge: the registry has no such tag, and had none", "tag", run.Key, "cause", cause.Cause)
		return run.Commit(ctx, nil)
	}
	return j.record(ctx, setup, run, o, last)
}

// An outcome is what was found out about one tag.
type outcome struct {
	ref    ref.Ref
	cause  string
	asked  time.Time // when somebody asked who wants a verdict of their own; may be zero
	at     time.Time
	report *report.Report
	target report.Target
	digest ref.Digest // what the tag is by the scan; "" = gone, or not known
	gone   bool       // the registry says that there is no such tag, or image
	before fact.Value[fact.TagHistory]
	seen   store.Entry // the transition that made the tag what it is
	moved  bool        // this look found the change
}

// lost reports whether the registry could not be asked.
func (o *outcome) lost() bool { return o.digest == "" && !o.gone }

// nothing reports whether there is no such tag and there never was.
func (o *outcome) nothing() bool { return o.gone && o.before.State == fact.Absent }

// A push is given so long to become what the tag is, and looked at again so soon.
const (
	pushTime  = 2 * time.Second
	lookAgain = 150 * time.Millisecond
)

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// early reports whether a push that was just heard of does not show yet: there is no
// such tag, or it still is what was judged last. Distribution, for one, sends the
// event before it writes the tag.
func (o *outcome) early(cause Cause, last previous) bool {
	if since := o.at.Sub(cause.Heard); cause.Heard.IsZero() || since < 0 || since > pushTime {
		return false
	}
	same := !o.moved && !last.awaiting && last.there && last.digest == o.digest
	return o.nothing() || same && cause.Pushed != "" && cause.Pushed != o.digest
}

// judged is the image that the verdict is about: whatever a registry served for a
// digest, it was asked for that one.
func (o *outcome) judged() ref.Digest {
	if o.ref.Digest != "" {
		return o.ref.Digest
	}
	return o.digest
}

// scan resolves the tag by one GET and examines what it means.
func (j *Judge) scan(ctx context.Context, s Setup, place scan.Place, r ref.Ref, cause Cause) *outcome {
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/intact-dev/intact").Start(ctx, "scan")
	defer span.End()
	out := &outcome{ref: r, cause: cause.Cause, asked: cause.Asked, at: j.Clock().UTC(), before: fact.Missing[fact.TagHistory](fact.Dependency, "the ledger was not asked")}
	options := s.Options
	options.Facts, options.Timeout = false, s.Options.Timeout
	options.TagBefore = func(r ref.Ref, now ref.Digest) fact.Value[fact.TagHistory] {
		out.before = j.history(ctx, r, now)
		return out.before
	}
	target := scan.Target{Text: r.String(), Kind: ref.KindImage, Origin: ref.Origin{Kind: "event", Where: cause.Cause}, Ref: r, Name: r, Place: place}
	out.report = scan.Run(ctx, []scan.Target{target}, options)
	out.target = out.report.Targets[0]
	out.digest = out.target.Image
	if out.digest == "" && out.target.Cause == fact.NotFound {
		out.gone = true
		if r.Digest == "" && out.before.State != fact.Absent {
			out.doubt(j.listed(ctx, s, r))
		}
	}
	return out
}

// doubt takes back that a tag which was recorded is gone: a 404 is also what a proxy
// says that has lost its registry.
func (o *outcome) doubt(why string) {
	if why == "" {
		return
	}
	o.gone = false
	o.target.Error = why
	o.target.Verdict.Decision = policy.Worst(o.target.Verdict.Decision, policy.Undecided)
	o.report.Targets[0], o.report.Verdict = o.target, policy.Worst(o.report.Verdict, policy.Undecided)
}

// listed says why a tag that was not found may be there all the same; "" if the
// registry's own list of tags can be had and lacks it.
func (j *Judge) listed(ctx context.Context, s Setup, r ref.Ref) string {
	found := false
	err := s.Tags(ctx, ref.Ref{Name: r.Name}, func(tag string) error {
		found = found || tag == r.Tag
		return nil
	})
	switch {
	case err != nil:
		return fmt.Sprintf("the registry answered that there is no such tag, which was recorded before, and its list of tags cannot be had: %v", err)
	case found:
		return "the registry answered that there is no such tag, and lists it"
	}
	return ""
}

// history is what the tag meant before it became now: however often that is
// judged, it is compared with the same.
func (j *Judge) history(ctx context.Context, r ref.Ref, now ref.Digest) fact.Value[fact.TagHistory] {
	last, ok, err := j.Store.Now(ctx, r)
	switch {
	case err != nil:
		return fact.Missing[fact.TagHistory](fact.Internal, err.Error())
	case ok && last.Digest == now && now != "":
		return j.Store.TagHistoryBefore(ctx, r, last.Since.Seq)
	}
	return j.Store.TagHistory(ctx, r)
}

// observe records what the registry said about the tag.
func (j *Judge) observe(ctx context.Context, o *outcome, look store.Look) error {
	if o.lost() {
		return nil
	}
	platforms := map[string]ref.Digest{}
	for _, img := range o.report.Images {
		for _, p := range img.Platforms {
			if p.Platform != "" { // its config may not say
				platforms[p.Platform] = p.Manifest
			}
		}
	}
	repository, tag := ledger.Name(o.ref)
	var err error
	o.seen, o.moved, err = j.Store.Observe(ctx, store.Observation{
		Repository: repository, Tag: tag, Digest: o.digest, Platforms: platforms, At: o.at, Source: o.cause, Look: look,
	})
	return err
}

// A Summary is what is kept of a verdict beside its report.
type Summary struct {
	Title    string             `json:"title"`
	Lines    []string           `json:"lines,omitempty"`
	Awaiting bool               `json:"awaitingSignature,omitempty"` // not a verdict yet
	Since    time.Time          `json:"awaitingSince,omitzero"`      // by the clock of the time it was recorded
	Before   ref.Digest         `json:"before,omitempty"`
	Moved    time.Time          `json:"moved,omitzero"` // when the tag was first seen to be this
	Change   *difference.Result `json:"change,omitempty"`
	Decision policy.Decision    `json:"decision"`
	Error    string             `json:"error,omitempty"`
	Type     happening.Type     `json:"type"`
}
