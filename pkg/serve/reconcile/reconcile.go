// Package reconcile finds what no event told of: registries that send none for a
// moved tag, events that were lost. It lists the tags of a repository, asks what
// each is by HEAD, compares that with the ledger, and has what differs judged. It
// records nothing itself: what a header says is a hint, too.
package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
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

// A Memory keeps how far a repository is.
type Memory interface {
	State(ctx context.Context, name string) (store.State, error)
	SetState(ctx context.Context, name string, data []byte, at time.Time) error
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
	Memory Memory
	// Setup returns what is valid now.
	Setup func(ctx context.Context) (Registry, Scope, error)
	Want  func(ctx context.Context, tasks ...jobs.Task) error
	Clock func() time.Time
	Log   *slog.Logger
	// Unlisted is told of a registry that does not list its repositories; nil = nobody is.
	Unlisted func(registry string)
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
			if c.Unlisted != nil && ctx.Err() == nil {
				c.Unlisted(host)
			}
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
