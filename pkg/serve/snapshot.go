package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/api"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/serve/reconcile"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/serve/webhook"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// use makes next the Snapshot that is valid. If something cannot be made of it the
// former one stays.
func (s *Service) use(next *Snapshot) error {
	if next.Config.Serve == nil {
		return fmt.Errorf("config %q has no serve: nothing says what to serve", next.Config.File)
	}
	hooks, err := webhook.New(next.Config.Serve.Endpoints, webhook.Options{
		Inbox: accepting{s.inbox, s.drop}, Counter: s.o.Metrics, Secret: s.o.Secret, Now: s.o.Clock, Limits: next.Config.Serve.Limits,
	})
	if err != nil {
		return fmt.Errorf("config %q: %w", next.Config.File, err)
	}
	answers, err := api.New(next.Config.Serve.API, api.Options{
		Store: s.o.Store, Queue: s.queue, Watched: next.Watched, Inventory: inventory{s.o.Store, next.Config.Serve.Watch},
		Key: s.o.Key, Counter: s.o.Metrics, Secret: s.o.Secret, Now: s.o.Clock, Log: s.o.Log,
	})
	if err != nil {
		return fmt.Errorf("config %q: %w", next.Config.File, err)
	}
	next.listings = newListings(s.o.Store, s.o.Clock, s.o.Log)
	s.mu.Lock()
	former := s.current
	s.current = next
	s.mu.Unlock()
	s.hooks.set(hooks)
	s.api.set(answers)
	if former != nil && former.Close != nil {
		// Runs that began with it go on with it.
		time.AfterFunc(2*time.Hour, former.Close)
	}
	return nil
}

// Reload reads config and policy anew. If there is an error in them the former
// ones stay, which is told and returned. Calls at the same time wait for each other:
// what was read last is what is valid.
func (s *Service) Reload(ctx context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := s.o.Load(ctx)
	if err == nil {
		before := s.Snapshot()
		if err = s.use(next); err == nil {
			s.o.Log.InfoContext(ctx, "config and policy were read again", "config", next.Config.File, "policy", string(next.Options.Policy.Digest()))
			return errors.Join(s.changed(ctx, before, next), s.renew(ctx))
		}
		if next.Close != nil {
			next.Close()
		}
	}
	s.o.Log.ErrorContext(ctx, "a changed config is refused; the former one stays", "error", err.Error())
	return errors.Join(err, s.refused(ctx, err))
}

// refused tells that a config has an error.
func (s *Service) refused(ctx context.Context, cause error) error {
	at := s.o.Clock().UTC()
	h := happening.Happening{
		ID: fmt.Sprintf("config %d", at.UnixMicro()), Type: happening.ConfigRefused, At: at, Subject: "config",
		Title: "a changed config is refused; the former one stays", Lines: strings.Split(cause.Error(), "\n"), Cause: "reload",
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := s.o.Store.AddHappenings(ctx, store.Happening{Key: h.ID, Type: string(h.Type), Subject: h.Subject, At: h.At, Data: data}); err != nil {
		return err
	}
	return s.queue.Tx(ctx, func(tx *jobs.Tx) error { return s.tell(ctx, tx) })
}

// changed wants anew what the change is about.
func (s *Service) changed(ctx context.Context, before, now *Snapshot) error {
	if err := s.introduce(ctx, now.Config.Serve); err != nil {
		return err
	}
	var tasks []jobs.Task
	if r := now.Config.Serve.Reconcile; r != nil && !reflect.DeepEqual(r, before.Config.Serve.Reconcile) {
		tasks = append(tasks, jobs.Task{Kind: reconcile.AllKind, Key: reconcile.AllKind})
	}
	for _, w := range now.Config.Serve.Watch {
		was := slices.Contains(before.Config.Serve.Watch, w)
		if !was || before.Options.Policy.Digest() != now.Options.Policy.Digest() {
			tasks = append(tasks, jobs.Task{Kind: watch.Kind, Key: w.Context})
		}
	}
	return s.queue.Want(ctx, tasks...)
}

// fresh is how long trust roots and credentials are used before they are read
// again, and retry how long if a trust root could not be had.
const (
	fresh = time.Hour
	retry = 5 * time.Minute
)

func (s *Service) refresh(ctx context.Context) {
	if err := s.renew(ctx); err != nil && ctx.Err() == nil {
		s.o.Log.ErrorContext(ctx, "what runs is not looked at because of the trust root", "error", err.Error())
	}
	for {
		wait := fresh
		if s.Trust().Failed != "" {
			wait = retry
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			_ = s.Reload(ctx) // it says so itself
			s.prune(ctx)
		}
	}
}

// prune drops what the config does not want kept any longer, and what has expired.
func (s *Service) prune(ctx context.Context) {
	keep := s.Snapshot().Config.Serve.Keep
	n, err := s.o.Store.Prune(ctx, store.Retention(keep), s.o.Clock())
	switch {
	case err != nil && ctx.Err() == nil:
		s.o.Log.WarnContext(ctx, "what is old is not dropped", "error", err.Error())
	case n.Reports+n.Verdicts+n.Happenings > 0:
		s.o.Log.InfoContext(ctx, "dropped what is old", "reports", n.Reports, "verdicts", n.Verdicts, "happenings", n.Happenings)
	}
}

func (s *Service) judging(context.Context) (judge.Setup, error) {
	now := s.Snapshot()
	out := judge.Setup{Options: s.dated(now.Options), Place: now.place, Tags: now.Registry.Tags, Grace: now.Config.Serve.Grace}
	if now.Attest != nil {
		out.Attest = func(ctx context.Context, r *report.Report, name ref.Ref) error {
			return now.Attest(ctx, r, name, func(d ref.Digest) { s.own.push(d, s.o.Clock()) })
		}
	}
	return out, nil
}

// dated sets the day to judge by.
func (s *Service) dated(o scan.Options) scan.Options {
	o.Now, o.Clock = s.o.Clock().UTC().Truncate(24*time.Hour), s.o.Clock
	o.Runtimes, o.Files, o.Known, o.Told = nil, nil, nil, nil
	return o
}

func (n *Snapshot) place(ref.Ref) scan.Place {
	return scan.Place{Source: n.Registry, Prober: n.Registry, Referrer: n.Registry, Listings: n.listings}
}

func (s *Service) reconciling(context.Context) (reconcile.Registry, reconcile.Scope, error) {
	now := s.Snapshot()
	scope := reconcile.Scope{Watched: now.Watched}
	if c := now.Config.Serve.Reconcile; c != nil {
		scope.Every, scope.Registries, scope.Repositories = c.Every, c.Registries, c.Repositories
	}
	return now.Registry, scope, nil
}

// Watched reports whether a repository may be asked for: an endpoint or
// reconciliation names it. Nothing else is ever fetched.
func (n *Snapshot) Watched(repository string) bool {
	if r, err := ref.Parse(repository); err != nil || r.Canonical() != repository {
		return false // it could be read as another one
	}
	c := n.Config.Serve
	if c.Reconcile != nil && slices.Contains(c.Reconcile.Repositories, repository) {
		return true
	}
	host, _, _ := strings.Cut(repository, "/")
	return slices.ContainsFunc(c.Endpoints, func(e config.Endpoint) bool {
		return slices.Contains(e.Registries, host) && e.Repositories.Match(repository)
	})
}

func (s *Service) watching(_ context.Context, place string) (watch.Setup, bool, error) {
	now := s.Snapshot()
	i := slices.IndexFunc(now.Config.Serve.Watch, func(w config.Watch) bool { return w.Context == place })
	if i < 0 {
		return watch.Setup{}, false, nil
	}
	o := s.dated(now.Options)
	o.Runtimes = now.Runtimes[place]
	if d := o.Policy.Depth(); d != "" {
		o.Depth = d
	}
	return watch.Setup{Options: o, Every: now.Config.Serve.Watch[i].Every, Reports: now.Reports[place]}, true, nil
}

// A swap is a handler that can be replaced while requests are answered.
type swap struct{ h atomic.Pointer[http.Handler] }

func (s *swap) set(h http.Handler) { s.h.Store(&h) }

// ServeHTTP implements [http.Handler].
func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.h.Load()).ServeHTTP(w, r) }
