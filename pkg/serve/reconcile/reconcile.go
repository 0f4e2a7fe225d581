// Package reconcile finds what no event told of: registries that send none for a
// moved tag, events that were lost. It lists the tags of a repository, asks what
// each is by HEAD, compares that with the ledger, and has what differs judged. It
// records nothing itself: what a header says is a hint, too.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Kinds of tasks.
const (
	// Kind is one repository; its key is the canonical name.
	Kind = "reconcile"
	// AllKind is the round over all that are configured; its key is AllKind.
	AllKind = "round"
)

// Cause is what is recorded of changes that it finds.
const Cause = "reconcile"

// A Registry lists and probes.
type Registry interface {
	Tags(ctx context.Context, r ref.Ref, yield func(tag string) error) error
	Repositories(ctx context.Context, host string, yield func(repository string) error) error
	Head(ctx context.Context, r ref.Ref) (*image.Answer, error)
}

// A Ledger says what tags meant.
type Ledger interface {
	Tags(ctx context.Context, repository string) (map[string]ref.Digest, error)
	Repositories(ctx context.Context) ([]string, error)
}

// A Scope is what is configured.
type Scope struct {
	Every        time.Duration // 0 = nothing is reconciled
	Registries   []string      // hosts whose catalog is asked for
	Repositories []string      // canonical
	// Watched says which repositories of a catalog, and of the ledger, are looked at.
	Watched func(repository string) bool
}

// A Reconciler compares registries with the ledger. It may be used concurrently.
type Reconciler struct {
	Ledger Ledger
	// Setup returns what is valid now.
	Setup func(ctx context.Context) (Registry, Scope, error)
	Want  func(ctx context.Context, tasks ...jobs.Task) error
	Clock func() time.Time
	Log   *slog.Logger
}

// Round wants every repository to be looked at once, spread over the time until
// the next round so that no registry gets all requests at once, and wants the next
// round. It ends only if nothing is to be reconciled any more. It implements
// [jobs.Handler].
func (c *Reconciler) Round(ctx context.Context, run *jobs.Run) error {
	registry, scope, err := c.Setup(ctx)
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	if scope.Every <= 0 {
		return run.Commit(ctx, nil) // the config does not ask for it any more
	}
	all, err := c.repositories(ctx, registry, scope)
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	now := c.Clock()
	tasks := make([]jobs.Task, len(all))
	for i, name := range all {
		tasks[i] = jobs.Task{Kind: Kind, Key: name, NotBefore: now.Add(scope.Every * 9 / 10 * time.Duration(i) / time.Duration(len(all)))}
	}
	for batch := range slices.Chunk(tasks, 500) {
		if err := c.Want(ctx, batch...); err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
	}
	c.Log.InfoContext(ctx, "reconciliation begins", "repositories", len(all))
	return run.CommitAgain(ctx, scope.Every, nil)
}

// repositories are those that are configured, those of the catalogs, and those of
// the ledger that are still watched. A catalog that cannot be had does not keep the
// others from being looked at.
func (c *Reconciler) repositories(ctx context.Context, registry Registry, scope Scope) ([]string, error) {
	out := slices.Clone(scope.Repositories)
	for _, host := range scope.Registries {
		err := registry.Repositories(ctx, host, func(name string) error {
			if full := host + "/" + name; scope.Watched(full) {
				out = append(out, full)
			}
			return nil
		})
		if err != nil {
			// What the ledger has of it is looked at all the same.
			c.Log.WarnContext(ctx, "a registry does not list its repositories: only those that are known are looked at", "registry", host, "error", err.Error())
		}
	}
	known, err := c.Ledger.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range known {
		if scope.Watched(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// limited is how long a registry is left alone that says that it was asked too
// often, after the retries of single requests.
const limited = 15 * time.Minute

// Repository looks at one repository. It implements [jobs.Handler].
func (c *Reconciler) Repository(ctx context.Context, run *jobs.Run) error {
	registry, _, err := c.Setup(ctx)
	if err != nil {
		return fmt.Errorf("reconcile %q: %w", run.Key, err)
	}
	tasks, err := c.compare(ctx, registry, run.Key)
	// What was found counts, also if the rest could not be asked for.
	for batch := range slices.Chunk(tasks, 500) {
		if err := c.Want(ctx, batch...); err != nil {
			return fmt.Errorf("reconcile %q: %w", run.Key, err)
		}
	}
	switch {
	case image.CauseOf(err) == fact.RateLimited && err != nil:
		c.Log.WarnContext(ctx, "reconciliation waits: the registry limits requests", "repository", run.Key, "error", err.Error())
		return jobs.Snooze(limited)
	case err != nil:
		return fmt.Errorf("reconcile %q: %w", run.Key, err)
	}
	c.Log.InfoContext(ctx, "reconciled", "repository", run.Key, "differ", len(tasks))
	return run.Commit(ctx, nil)
}

// down is after how many tags in a row without an answer it is the registry that
// does not answer.
const down = 5

// compare returns a task for each tag that is not what the ledger says.
func (c *Reconciler) compare(ctx context.Context, registry Registry, repository string) ([]jobs.Task, error) {
	known, err := c.Ledger.Tags(ctx, repository)
	if err != nil {
		return nil, err
	}
	var tasks []jobs.Task
	differs := func(tag string) error {
		t, err := judge.Task(ref.Ref{Name: repository, Tag: tag}, Cause)
		if err == nil {
			tasks = append(tasks, t)
		}
		return err
	}
	listed := map[string]bool{}
	var silent []string // tags of which the registry does not say what they are
	row := 0            // how many of them are the last ones
	err = registry.Tags(ctx, ref.Ref{Name: repository}, func(tag string) error {
		listed[tag] = true
		if ledger.Reserved(tag) {
			return nil
		}
		now, err := registry.Head(ctx, ref.Ref{Name: repository, Tag: tag})
		if err == nil || image.CauseOf(err) == fact.NotFound {
			row = 0
		}
		switch {
		case image.CauseOf(err) == fact.NotFound && err != nil:
			delete(listed, tag) // gone since the list was made, or never there
			return nil
		case err != nil:
			silent = append(silent, tag)
			if row++; row >= down || image.CauseOf(err) == fact.RateLimited || ctx.Err() != nil {
				return err
			}
			return nil
		case now.DigestClaim == "" || now.DigestClaim != known[tag]:
			return differs(tag)
		}
		return nil
	})
	var gone error
	if err == nil {
		// One tag that cannot be had hides no other; what is wrong with it is said by
		// judging it.
		for _, tag := range silent {
			gone = errors.Join(gone, differs(tag))
		}
	}
	if err == nil || image.CauseOf(err) == fact.NotFound {
		// A repository that is gone has lost all its tags.
		for _, tag := range slices.Sorted(maps.Keys(known)) {
			if !listed[tag] {
				gone = errors.Join(gone, differs(tag))
			}
		}
	}
	if image.CauseOf(err) == fact.NotFound {
		err = nil
	}
	return tasks, errors.Join(err, gone)
}
