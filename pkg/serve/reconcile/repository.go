package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// limited is how long a registry is left alone that says that it was asked too
// often, after the retries of single requests.
const limited = 15 * time.Minute

// Repository looks at one repository. One that was not seen to its end is gone on
// with where it stopped. It implements [jobs.Handler].
func (c *Reconciler) Repository(ctx context.Context, run *jobs.Run) error {
	registry, _, err := c.Setup(ctx)
	if err != nil {
		return fmt.Errorf("reconcile %q: %w", run.Key, err)
	}
	from, err := c.position(ctx, run.Key)
	if err != nil {
		return fmt.Errorf("reconcile %q: %w", run.Key, err)
	}
	tasks, to, err := c.compare(ctx, registry, run.Key, from)
	// What was found counts, also if the rest could not be asked for, or the time of
	// the run is over.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTime)
	defer cancel()
	for batch := range slices.Chunk(tasks, 500) {
		if err := c.Want(late, batch...); err != nil {
			return fmt.Errorf("reconcile %q: %w", run.Key, err)
		}
	}
	if lost := c.stop(late, run.Key, from, to); lost != nil {
		return fmt.Errorf("reconcile %q: %w", run.Key, errors.Join(err, lost))
	}
	switch {
	case image.CauseOf(err) == fact.RateLimited && err != nil:
		c.Log.WarnContext(ctx, "reconciliation waits: the registry limits requests", "repository", run.Key, "after", to.After, "error", err.Error())
		return jobs.Snooze(limited)
	case err != nil:
		return fmt.Errorf("reconcile %q: %w", run.Key, err)
	}
	c.Log.InfoContext(ctx, "reconciled", "repository", run.Key, "differ", len(tasks))
	return run.Commit(ctx, nil)
}

// lateTime is for what is written down when the time of a run is over.
const lateTime = 10 * time.Second

// down is after how many tags in a row without an answer it is the registry that
// does not answer.
const down = 5

// A pass looks at the tags of one repository.
type pass struct {
	registry   Registry
	repository string
	known      map[string]ref.Digest // by the ledger
	tasks      []jobs.Task           // of tags that differ
}

func (p *pass) differs(tag string) error {
	t, err := judge.Task(ref.Ref{Name: p.repository, Tag: tag}, Cause)
	if err == nil {
		p.tasks = append(p.tasks, t)
	}
	return err
}

// compare returns a task for each tag that is not what the ledger says, from a
// position on, and how far it came; nowhere if it saw all.
func (c *Reconciler) compare(ctx context.Context, registry Registry, repository string, from position) ([]jobs.Task, position, error) {
	known, err := c.Ledger.Tags(ctx, repository)
	if err != nil {
		return nil, from, err
	}
	var listed []string
	broken := registry.Tags(ctx, ref.Ref{Name: repository}, func(tag string) error {
		listed = append(listed, tag)
		return nil
	})
	if broken != nil && image.CauseOf(broken) == fact.RateLimited {
		return nil, from, broken
	}
	p := &pass{registry: registry, repository: repository, known: known}
	to, err := p.listed(ctx, listed, from)
	if err != nil {
		return p.tasks, to, err
	}
	if broken != nil && image.CauseOf(broken) != fact.NotFound {
		return p.tasks, to, broken // what was not listed is not gone
	}
	return p.tasks, position{}, p.rest(listed, to.Silent)
}

// listed asks what the tags are that were listed, and returns how far it came.
func (p *pass) listed(ctx context.Context, listed []string, from position) (position, error) {
	to, row := from, 0 // how many in a row were not told of
	for _, tag := range listed[from.in(listed):] {
		answered, err := p.head(ctx, tag)
		switch {
		case answered:
			row = 0
		default:
			to.Silent = append(to.Silent[:len(to.Silent):len(to.Silent)], tag)
			row++
		}
		if err != nil && (answered || row >= down || image.CauseOf(err) == fact.RateLimited || ctx.Err() != nil) {
			to.Silent = to.Silent[:len(to.Silent)-row] // these are asked again
			return to, err
		}
		if row == 0 {
			to.After = tag
		}
	}
	return to, nil
}

// head asks what one tag is. answered is that the registry says so, or that there
// is none.
func (p *pass) head(ctx context.Context, tag string) (answered bool, err error) {
	if ledger.Reserved(tag) {
		return true, nil
	}
	now, err := p.registry.Head(ctx, ref.Ref{Name: p.repository, Tag: tag})
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
		if p.known[tag] == "" {
			return true, nil // it never was there
		}
		return true, p.differs(tag) // gone since the list was made
	case err != nil:
		return false, err
	case now.DigestClaim == "" || now.DigestClaim != p.known[tag]:
		return true, p.differs(tag)
	}
	return true, nil
}

// rest is what can be said of the other tags once all that are listed were asked
// for.
func (p *pass) rest(listed, silent []string) error {
	var err error
	there := map[string]bool{}
	for _, tag := range listed {
		there[tag] = true
	}
	// One tag that cannot be had hides no other; what is wrong with it is said by
	// judging it.
	for _, tag := range silent {
		if there[tag] {
			err = errors.Join(err, p.differs(tag))
		}
	}
	// A repository that is gone has lost all its tags.
	for _, tag := range slices.Sorted(maps.Keys(p.known)) {
		if !there[tag] {
			err = errors.Join(err, p.differs(tag))
		}
	}
	return err
}
