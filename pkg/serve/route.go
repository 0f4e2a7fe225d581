package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/serve/webhook"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// accepting puts what the receiver takes into the inbox.
type accepting struct {
	inbox *inbox.Inbox
	drop  func(ctx context.Context, repository string, subject ref.Digest) error
}

// Accept implements [webhook.Inbox]. Once it is said that a signature's event was
// taken, nothing that was listed before counts, whoever judges next.
func (a accepting) Accept(ctx context.Context, d webhook.Delivery) (bool, error) {
	for _, e := range d.Events {
		if e.Action != webhook.Signature {
			continue
		}
		repository, _ := ledger.Name(e.Ref())
		if err := a.drop(ctx, repository, e.Subject); err != nil {
			return false, err
		}
	}
	events, err := json.Marshal(d.Events)
	if err != nil {
		return false, err
	}
	fresh, err := a.inbox.Accept(ctx, inbox.Delivery{Endpoint: d.Endpoint, Key: d.Key, Received: d.Received, Events: events})
	if errors.Is(err, inbox.ErrFull) {
		err = fmt.Errorf("%w: %w", webhook.ErrFull, err)
	}
	return fresh, err
}

// route says which tasks the events of a delivery ask for. It is called again
// with the same delivery if the process dies before they are wanted.
func (s *Service) route(d inbox.Delivery) ([]jobs.Task, error) {
	var events []webhook.Event
	if err := json.Unmarshal(d.Events, &events); err != nil {
		return nil, fmt.Errorf("delivery %q of %s: %w", d.Key, d.Endpoint, err)
	}
	var tasks []jobs.Task
	for _, e := range events {
		if s.own.heard(e, s.o.Clock()) {
			continue
		}
		cause := "webhook " + e.Endpoint
		if e.Tag != "" && e.Action != webhook.Signature && !ledger.Reserved(e.Tag) {
			t, err := pushed(e, d, cause)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, t)
			continue
		}
		t, err := hintTask(e, cause)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// pushed is the task for an event about a tag.
func pushed(e webhook.Event, d inbox.Delivery, cause string) (jobs.Task, error) {
	if e.Action == webhook.Delete {
		return judge.Task(e.Ref(), cause)
	}
	return judge.Pushed(e.Ref(), cause, d.Received, e.Digest)
}

// A hint is about a repository, or a digest in it, and names no tag: somebody must
// look which tags it means.
type hint struct {
	Repository string     `json:"repository"`
	Digest     ref.Digest `json:"digest,omitempty"`  // what was signed, pushed or deleted; "" = not said
	Subject    ref.Digest `json:"subject,omitempty"` // what was signed; "" = anything, if what was pushed refers to it
	Delete     bool       `json:"delete,omitempty"`
	Cause      string     `json:"cause"`
}

func hintTask(e webhook.Event, cause string) (jobs.Task, error) {
	h := hint{Digest: e.Digest, Delete: e.Action == webhook.Delete, Cause: cause}
	h.Repository, _ = ledger.Name(ref.Ref{Name: e.Registry + "/" + e.Repository})
	if e.Subject != "" {
		h.Digest, h.Subject = e.Subject, e.Subject
	}
	return h.task()
}

func (h hint) task() (jobs.Task, error) {
	payload, err := json.Marshal(h)
	if err != nil {
		return jobs.Task{}, err
	}
	// One key has one payload: of two hints that wait, the last counts.
	return jobs.Task{Kind: hintKind, Key: fmt.Sprintf("%s@%s %v %v", h.Repository, h.Digest, h.Delete, h.Subject != ""), Payload: payload}, nil
}

// hint wants the tags judged that a hint may be about: those that mean the digest,
// those that await a signature, and all if what was deleted is none of theirs: it may
// be the signature of any, or a part of it.
func (s *Service) hint(ctx context.Context, run *jobs.Run) error {
	var h hint
	if err := json.Unmarshal(run.Payload, &h); err != nil {
		return fmt.Errorf("hint %q: %w", run.Key, err)
	}
	if err := s.drop(ctx, h.Repository, h.Subject); err != nil {
		return fmt.Errorf("hint %q: %w", run.Key, err)
	}
	tags, err := s.o.Store.Tags(ctx, h.Repository)
	if err != nil {
		return fmt.Errorf("hint %q: %w", run.Key, err)
	}
	waiting, err := s.awaiting(ctx, h.Repository)
	if err != nil {
		return fmt.Errorf("hint %q: %w", run.Key, err)
	}
	var tasks []jobs.Task
	if h.Delete && h.Digest != "" && !slices.Contains(slices.Collect(maps.Values(tags)), h.Digest) {
		t, err := hint{Repository: h.Repository, Delete: true, Cause: h.Cause}.task()
		if err != nil {
			return fmt.Errorf("hint %q: %w", run.Key, err)
		}
		t.NotBefore = s.o.Clock().Add(settling) // who cleans up deletes many
		tasks = append(tasks, t)
	}
	for tag, digest := range tags {
		if digest != h.Digest && !slices.Contains(waiting, tag) && (!h.Delete || h.Digest != "") {
			continue
		}
		t, err := judge.Task(ref.Ref{Name: h.Repository, Tag: tag}, h.Cause)
		if err != nil {
			return fmt.Errorf("hint %q: %w", run.Key, err)
		}
		tasks = append(tasks, t)
	}
	return run.Commit(ctx, func(tx *jobs.Tx) error { return s.queue.WantTx(ctx, tx, tasks...) })
}

// drop forgets what was listed as signatures of a digest, or if it is "" of all in
// the repository: what was pushed by its digest alone may refer to any.
func (s *Service) drop(ctx context.Context, repository string, subject ref.Digest) error {
	return s.o.Store.DropListings(ctx, repository, subject, s.o.Clock())
}

// awaiting are the tags of a repository whose last verdict waits for a signature.
func (s *Service) awaiting(ctx context.Context, repository string) ([]string, error) {
	last, err := s.o.Store.Verdicts(ctx, store.VerdictFilter{Repository: repository, Limit: 500})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []string
	for _, v := range last {
		if seen[v.Tag] {
			continue
		}
		seen[v.Tag] = true
		var sum judge.Summary
		if json.Unmarshal(v.Summary, &sum) == nil && sum.Awaiting {
			out = append(out, v.Tag)
		}
	}
	return out, nil
}
