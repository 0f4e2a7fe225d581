// Package serve is the service: it takes what registries tell, judges what was
// pushed, looks for what nobody told, watches what runs, and says what happened.
// It keeps everything in a store; several processes may serve one PostgreSQL.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/serve/notify"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/serve/reconcile"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A Registry is read, listed and asked for signatures.
type Registry interface {
	image.Source
	image.Referrer
	image.Prober
	reconcile.Registry
}

// A Snapshot is one version of config, policy and trust roots, and what was made
// of them. All that one run does is by one.
type Snapshot struct {
	Config   *config.Config
	Options  scan.Options
	Registry Registry
	Runtimes map[string][]scan.Runtime // by context that is watched
	// Reports write policy reports, by context; those that nobody asked for are nil.
	Reports map[string]*policyreport.Writer
	// Trust says what keyless signatures are verified with; nil = with nothing that is
	// published anew.
	Trust func(ctx context.Context) (TrustRoot, error)
	// TrustNotes are about trust roots of the policy's own, for health.
	TrustNotes []string
	// Attest signs a verdict and writes it where the config says, and says which
	// manifests it is about to push; nil = nobody asked.
	Attest func(ctx context.Context, r *report.Report, name ref.Ref, pushes func(ref.Digest)) error
	Close  func() // nil = nothing is to be closed

	listings *listings // of its registry; made when it becomes valid
}

// Options of [New].
type Options struct {
	Store *store.Store
	// Load reads config and policy and makes a Snapshot of them. It is called at
	// the start, when somebody asks for it (see [Service.Reload]), and every hour
	// for fresh trust roots.
	Load   func(ctx context.Context) (*Snapshot, error)
	Secret func(config.Secret) (string, error)
	Notify notify.Options // how places are reached
	Key    *ledger.Key    // signs checkpoints; nil = they are not signed
	// Metrics and Tracing are told what happens.
	Metrics *ops.Metrics
	Tracing *ops.Tracing
	Log     *slog.Logger
	Clock   func() time.Time // nil = time.Now
}

// A Service is everything but its listener. It is used once.
type Service struct {
	o      Options
	queue  *jobs.Queue
	inbox  *inbox.Inbox
	hooks  swap // the handler of webhooks
	api    swap
	sender *notify.Sender
	full   full // places that can be told nothing now

	mu      sync.Mutex
	current *Snapshot
	started bool
	trust   trust
	own     own

	reloading sync.Mutex // held for long: only [Service.Reload] takes it
}

// New loads the first Snapshot and opens inbox and queue. An error in the config
// is an error here: nothing is served by half of it.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	sender, err := notify.NewSender(o.Notify)
	if err != nil {
		return nil, err
	}
	s := &Service{o: o, sender: sender}
	snapshot, err := o.Load(ctx)
	if err != nil {
		return nil, err
	}
	if s.queue, err = jobs.Open(ctx, o.Store.Database(), jobs.Options{Log: o.Log}); err != nil {
		return nil, err
	}
	limits := snapshot.Config.Serve.Limits
	if s.inbox, err = inbox.Open(ctx, o.Store.Database(), inbox.Options{Log: o.Log, Limit: limits.Inbox}); err != nil {
		return nil, err
	}
	if err := errors.Join(s.handle(limits), s.use(snapshot), s.introduce(ctx, snapshot.Config.Serve)); err != nil {
		return nil, errors.Join(err, s.inbox.Close())
	}
	return s, nil
}

// Kinds of tasks but those of the packages below.
const hintKind = "hint"

// handle registers what runs tasks.
func (s *Service) handle(limits config.Limits) error {
	j := &judge.Judge{Store: s.o.Store, Setup: s.judging, Tell: s.judged, Clock: s.o.Clock, Log: s.o.Log, Judged: s.o.Metrics.Judged}
	r := &reconcile.Reconciler{Ledger: s.o.Store, Memory: s.o.Store, Setup: s.reconciling, Want: s.queue.Want, Clock: s.o.Clock, Log: s.o.Log, Unlisted: s.o.Metrics.Unlisted}
	w := &watch.Watcher{Store: s.o.Store, Setup: s.watching, Tell: s.tell, Reported: s.o.Metrics.Reported, Clock: s.o.Clock, Log: s.o.Log}
	// They want themselves again, so that one which is given up would be the last.
	long := jobs.Kind{Concurrency: 1, Timeout: time.Hour, Attempts: math.MaxInt32}
	run := func(kind string, k jobs.Kind, h jobs.Handler) error {
		return s.queue.Handle(kind, k, ops.Task(s.o.Tracing, s.o.Metrics, h))
	}
	return errors.Join(
		run(judge.Kind, jobs.Kind{Concurrency: limits.Workers, Timeout: judgeTimeout, Turn: newTurns(s.inbox.Rate).take}, j.Run),
		run(hintKind, jobs.Kind{}, s.hint),
		run(notifyKind, jobs.Kind{Concurrency: 2, Timeout: 10 * time.Minute}, s.notify),
		run(reconcile.AllKind, long, r.Round),
		run(reconcile.Kind, jobs.Kind{Concurrency: 2, Timeout: time.Hour}, r.Repository),
		run(watch.Kind, long, w.Run),
	)
}

// judgeTimeout is for one image: as long as --timeout gives it, and the comparison
// with the one before.
const judgeTimeout = 35 * time.Minute

// Hooks answers POST /hooks/….
func (s *Service) Hooks() http.Handler { return &s.hooks }

// API answers below /api/v1.
func (s *Service) API() http.Handler { return &s.api }

// Queue is where tasks are wanted, for metrics and health.
func (s *Service) Queue() *jobs.Queue { return s.queue }

// Pushes is the lag of judging alone, for health. A registry that is down keeps
// reconciliation and notifications waiting, and is no reason to take no webhooks.
func (s *Service) Pushes(ctx context.Context) ([]jobs.Lag, error) {
	all, err := s.queue.Lag(ctx)
	return slices.DeleteFunc(all, func(l jobs.Lag) bool { return l.Kind != judge.Kind }), err
}

// Inbox is where deliveries wait, for metrics and health.
func (s *Service) Inbox() *inbox.Inbox { return s.inbox }

// Snapshot is the one that is valid now.
func (s *Service) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Run works until ctx ends. Then it calls first, which ends what asks for Hooks,
// and lets what runs finish, both for grace together. Deliveries are taken before
// Run as well.
func (s *Service) Run(ctx context.Context, grace time.Duration, first func(context.Context) error) error {
	if err := s.queue.Start(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	s.mu.Lock()
	s.started = true
	s.mu.Unlock()
	var background sync.WaitGroup
	background.Go(func() { s.inbox.Move(ctx, s.queue, s.route) })
	background.Go(func() { s.refresh(ctx) })
	err := s.begin(ctx)
	if err == nil {
		<-ctx.Done()
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, first(late))
	background.Wait()
	return errors.Join(err, s.queue.Stop(late), s.inbox.Close())
}

// begin wants the tasks that want themselves again from then on, and that places
// are told what they were not when the process ended.
func (s *Service) begin(ctx context.Context) error {
	c := s.Snapshot().Config.Serve
	var tasks []jobs.Task
	if c.Reconcile != nil {
		tasks = append(tasks, jobs.Task{Kind: reconcile.AllKind, Key: reconcile.AllKind})
	}
	for _, w := range c.Watch {
		tasks = append(tasks, jobs.Task{Kind: watch.Kind, Key: w.Context})
	}
	for _, n := range c.Notify {
		tasks = append(tasks, jobs.Task{Kind: notifyKind, Key: n.Name})
	}
	if err := s.queue.Want(ctx, tasks...); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
