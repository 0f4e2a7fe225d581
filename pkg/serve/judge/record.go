package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// record keeps the verdict, says what happened if that is new, and looks again
// where the verdict is not the last word.
func (j *Judge) record(ctx context.Context, s Setup, run *jobs.Run, o *outcome, last previous) error {
	repository, tag := recorded(o.ref)
	sum := j.summary(ctx, s, o)
	since := sum.Moved
	if last.awaiting && last.unsigned.Before(since) {
		since = last.unsigned // or who moves it again and again is never told of
	}
	if o.at.Before(since) {
		since = o.at // the clock was put back: by how much is not waited on top
	}
	wait := s.Grace - o.at.Sub(since)
	// What was called unsigned does not await a signature once more.
	said := last.there && !last.awaiting && last.Summary.Decision == policy.Deny && last.Verdict.Digest == o.judged() && last.Moved.Equal(sum.Moved)
	// Nobody knows when a digest was pushed: who names one wants to know now.
	if sum.Awaiting = wait > 0 && !said && o.ref.Digest == "" && !o.lost() && awaits(o.target.Verdict); sum.Awaiting {
		sum.Title, sum.Since = fmt.Sprintf("%s awaits its signature", o.ref), since
	}
	same := sum.Awaiting && last.awaiting && last.digest == o.digest && last.unsigned.Equal(since) || !sum.Awaiting && !last.awaiting && !last.news(o, sum)
	tell := func(tx *jobs.Tx) error { return j.Tell(ctx, tx) }
	key := verdictKey(run.Key, run.Generation)
	if !same && last.key == key {
		// It was recorded before, that run did not end, and now it is something else:
		// there is one verdict of a run.
		return run.CommitAgain(ctx, 0, tell)
	}
	j.attest(ctx, s, o, &sum, last)
	var body bytes.Buffer
	if err := report.WriteJSON(&body, o.report); err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	data, err := json.Marshal(sum)
	if err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	v := store.Verdict{
		Key: key, Repository: repository, Tag: tag, Digest: o.judged(),
		Decision: sum.Decision.String(), Policy: o.report.Policy.Digest, At: o.at, Source: o.cause, Summary: data, Report: body.Bytes(),
	}
	var news []store.Happening
	if !sum.Awaiting && last.news(o, sum) {
		h := told(o, sum, last, v.Key)
		data, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("judge %q: %w", run.Key, err)
		}
		news = append(news, store.Happening{Key: h.ID, Type: string(h.Type), Subject: h.Subject, At: h.At, Data: data})
	}
	if same && !o.asked.After(last.at) {
		// The same again: only that it was looked at is recorded, by the ledger.
	} else if _, err := j.Store.AddVerdict(ctx, v, news...); err != nil {
		return fmt.Errorf("judge %q: %w", run.Key, err)
	}
	j.Log.InfoContext(ctx, sum.Title, "tag", run.Key, "digest", string(o.digest), "decision", sum.Decision.String(), "awaiting", sum.Awaiting, "cause", o.cause)
	if j.Judged != nil {
		j.Judged(sum.Decision, sum.Awaiting)
	}
	if len(news) == 0 && last.Key != v.Key {
		tell = nil
	} // else it is news, or was when this run recorded it before and did not end
	switch {
	case sum.Awaiting:
		return run.CommitAgain(ctx, min(wait, pause(o.at.Sub(sum.Moved))), tell)
	case o.lost() && o.ref.Digest == "":
		return run.CommitAgain(ctx, again(last.silent(o)), tell)
	}
	return run.Commit(ctx, tell)
}

// attest signs a verdict that is news. The verdict holds without: that it could not
// be signed is told with it.
func (j *Judge) attest(ctx context.Context, s Setup, o *outcome, sum *Summary, last previous) {
	decided := sum.Decision == policy.Allow || sum.Decision == policy.Warn || sum.Decision == policy.Deny
	if s.Attest == nil || sum.Awaiting || !decided || o.digest == "" || !last.news(o, *sum) {
		return
	}
	if err := s.Attest(ctx, o.report, o.ref); err != nil {
		j.Log.ErrorContext(ctx, "a verdict could not be attested", "tag", o.ref.String(), "error", err.Error())
		sum.Lines = append(sum.Lines, "not attested: "+err.Error())
	}
}

// pause is how long to wait for a signature before looking again, so long after
// the push: most come within seconds.
func pause(since time.Duration) time.Duration {
	return min(max(since/2, 2*time.Second), time.Minute)
}

// missing are the checks that a signature which is yet to come would make good.
var missing = []string{"SIG001", "SIG005", "SIG006"}

// awaits reports whether nothing but a missing signature stands in the way.
func awaits(v policy.Verdict) bool {
	if v.Decision != policy.Deny {
		return false
	}
	for _, r := range v.Reasons {
		if r.Decision == policy.Deny && !slices.Contains(missing, r.Check) {
			return false
		}
	}
	return true
}

// A previous is the last verdict of a tag.
type previous struct {
	store.Verdict
	Summary
	there    bool       // of those that count
	at       time.Time  // of the very last one, whether it counts or not
	awaiting bool       // that one waits for a signature,
	digest   ref.Digest // and is about it
	key      string     // of that one
	unsigned time.Time  // since when all that the tag was awaited a signature, if so
}

// recorded is the name of r in verdicts.
func recorded(r ref.Ref) (repository, tag string) {
	repository, tag = ledger.Name(r)
	if r.Digest != "" {
		tag = ""
	}
	return repository, tag
}

// last returns the last verdict of a tag that counts, or the last of a reference
// with a digest. Those that wait may be many: who asks gets one.
func (j *Judge) last(ctx context.Context, r ref.Ref, task string) (previous, error) {
	var out previous
	repository, tag := recorded(r)
	f := store.VerdictFilter{Repository: repository, Tag: tag, Digest: r.Digest, ByDigest: r.Digest != "", Limit: 20}
	for {
		all, err := j.Store.Verdicts(ctx, f)
		if err != nil {
			return out, err
		}
		for _, v := range all {
			if _, mine := Generation(v.Key, task); f.ByDigest && !mine {
				continue // it was named with another tag
			}
			var s Summary
			if err := json.Unmarshal(v.Summary, &s); err != nil {
				return out, fmt.Errorf("verdict %d: %w", v.ID, err)
			}
			if out.at.IsZero() {
				out.at, out.awaiting, out.digest, out.key, out.unsigned = v.At, s.Awaiting, v.Digest, v.Key, s.Since
			}
			if !s.Awaiting {
				out.Verdict, out.Summary, out.there = v, s, true
				return out, nil
			}
		}
		if len(all) < f.Limit {
			return out, nil
		}
		f.Before = all[len(all)-1].ID
	}
}

// silent is how long the registry has not answered by the verdicts.
func (p previous) silent(o *outcome) time.Duration {
	if !p.there || p.Verdict.Digest != "" || p.Summary.Decision != policy.Undecided {
		return 0 // it did so last time
	}
	return o.at.Sub(p.At)
}

// news reports whether a verdict says something that the last one did not.
func (p previous) news(o *outcome, s Summary) bool {
	return !p.there || p.Verdict.Digest != o.judged() || p.Summary.Decision != s.Decision || p.Summary.Type != s.Type ||
		p.Policy != o.report.Policy.Digest && p.Title != s.Title ||
		!p.Moved.Equal(s.Moved) // it was something else in between, of which there is no verdict that counts
}

// told is what people hear of a verdict.
func told(o *outcome, s Summary, last previous, key string) happening.Happening {
	h := happening.Happening{
		ID: key, Type: s.Type, At: o.at, Subject: o.ref.String(), Title: s.Title, Lines: s.Lines,
		Digest: o.digest, Before: s.Before, Verdict: s.Decision, Report: key, Cause: o.cause,
	}
	if last.there {
		h.Was = last.Summary.Decision.String()
	}
	return h
}

// summary puts the outcome in words.
func (j *Judge) summary(ctx context.Context, s Setup, o *outcome) Summary {
	out := Summary{Decision: o.target.Verdict.Decision, Moved: o.seen.At, Type: happening.ImageJudged, Error: o.target.Error}
	if o.before.State == fact.Known {
		out.Before = o.before.V.Before.Digest
	}
	if o.gone && o.ref.Digest == "" {
		out.Type = happening.TagDeleted
	}
	if out.Before != "" && o.digest != "" && out.Before != o.digest {
		change := scan.Difference(ctx, s.Place(o.ref), o.ref.Canonical(), out.Before, o.digest, s.Options)
		out.Change = &change
	}
	out.Title, out.Lines = title(o, out), lines(o, out)
	return out
}
