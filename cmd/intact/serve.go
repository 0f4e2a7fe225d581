package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve"
	"github.com/intact-dev/intact/pkg/serve/notify"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/urfave/cli/v2"
)

func serveCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "judge what registries say is pushed, and keep a ledger of tags",
		UsageText: "intact serve --config FILE [flags]",
		Description: `It takes webhooks of registries at /hooks/NAME, resolves each pushed tag anew,
judges what it is by the policy, records what it was before in the ledger, looks
for what no event told of, watches what runs, and tells people. The section serve
of the config says from whom, about what, and to whom: see docs/webhooks.md.

A store is made first, once: intact store init. A lost one is not replaced in
silence.

SIGHUP reads config and policy again; if there is an error in them the former ones
stay. SIGTERM lets what is being judged finish.

Examples:
  intact store init --ledger intact.db
  intact serve --config config.yaml
  intact serve --config config.yaml --listen :8443 --policy prod.yaml
  intact history ghcr.io/acme/api:1.4.2            what it recorded

Exit status: 0 when it was told to stop; 2 usage or configuration, store or
address that cannot be used.`,
		Flags:  serveFlags(),
		Action: func(c *cli.Context) error { return runServe(c.Context, p, c) },
	}
}

func serveFlags() []cli.Flag {
	own := []cli.Flag{
		str("listen", "`ADDRESS` to listen at (default: that of the config, 127.0.0.1:8080)", ""),
		boolean("init", "make a new, empty store if there is none: it has seen nothing, whatever was recorded elsewhere"),
		dur("grace-period", "`TIME` that what is being judged has to finish in when the service is told to stop", "30s"),
		dur("drain", "`TIME` that requests are still taken after /readyz says that the service ends, for load balancers", ""),
		str("checkpoint-key", "private key `FILE` that signs the checkpoints of the API (intact store key makes one)", ""),
		str("log-level", "`LEVEL` of the log: debug, info, warn or error", "info"),
	}
	shared := slices.Concat(imageFlags(), workloadFlags())
	for _, name := range []string{
		"policy", "config", "depth", "platform", "trusted-root", "plain-http", "allow-redirect", "timeout", "jobs", "cache-dir", "no-cache",
		"team-label", "revisions", "helm-releases", "config-maps", "pull-secrets", "changed-files",
	} {
		i := slices.IndexFunc(shared, func(f cli.Flag) bool { return f.Names()[0] == name })
		own = append(own, shared[i])
	}
	return own
}

func runServe(ctx context.Context, p program, c *cli.Context) error {
	if c.Args().Present() {
		return usage(fmt.Errorf("serve takes no arguments, and there is %q", c.Args().First()), "what to serve is in the config: intact serve --config FILE")
	}
	if _, set := p.env("GOMAXPROCS"); !set {
		// While judgements have all processors, the runtime looks at the network every
		// 10 ms. With more of them the system gives a delivery its turn.
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
	if _, set := p.env("GOGC"); !set {
		// What is judged is garbage soon, and little is kept: the memory limit holds as
		// ever.
		debug.SetGCPercent(300)
	}
	hangup := reloads() // one that comes while it starts is not the end
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return usage(fmt.Errorf("--log-level %q", c.String("log-level")), "there is: debug, info, warn, error")
	}
	log := ops.NewLog(p.stderr, level)
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if cfg.Serve == nil {
		return usage(errors.New("no config says what to serve"), "give --config FILE with a section serve; docs/webhooks.md has one to begin with")
	}
	key, err := readCheckpointKey(c)
	if err != nil {
		return err
	}
	getenv := func(name string) string { v, _ := p.env(name); return v }
	tracing, err := ops.NewTracing(ctx, getenv, toolVersion(), log)
	if err != nil {
		return usage(err, "see the variables OTEL_EXPORTER_OTLP_…")
	}
	st, err := openServed(ctx, c, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	start := policyOf(c)
	var root publicTrust
	metrics := ops.NewMetrics(toolVersion())
	s, err := serve.New(ctx, serve.Options{
		Store: st, Log: log, Secret: secrets(p), Key: key, Metrics: metrics, Tracing: tracing,
		Load:   func(ctx context.Context) (*serve.Snapshot, error) { return loadSnapshot(ctx, p, c, start, &root) },
		Notify: notify.Options{Source: "https://github.com/intact-dev/intact", UserAgent: "intact/" + toolVersion()},
	})
	if err != nil {
		return usage(err, "check it with: intact config lint "+cfg.File)
	}
	address := cfg.Serve.Listen
	if c.IsSet("listen") {
		address = c.String("listen")
	}
	server, err := newServer(c, cfg.Serve, s, st, metrics, tracing, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return usage(fmt.Errorf("listen at %q: %w", address, err), "give another address: --listen 127.0.0.1:9090")
	}
	err = serveAt(ctx, c, s, server, listener, hangup, log)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err = errors.Join(err, tracing.Stop(late)); err != nil {
		return &exitError{code: exitUsage, cause: err}
	}
	return nil
}

// lagging is how long a task may wait until the service is called not ready.
const lagging = 5 * time.Minute

// newServer puts the parts of the service behind their paths.
func newServer(c *cli.Context, cfg *config.Serve, s *serve.Service, st *store.Store, metrics *ops.Metrics, tracing *ops.Tracing, log *slog.Logger) (*ops.Server, error) {
	server := &ops.Server{Log: log, Grace: gracePeriod(c), Drain: c.Duration("drain")}
	metrics.Watch(ops.Queues{Tasks: s.Queue().Lag, Inbox: s.Inbox().Lag, Log: log})
	if cfg.Certificate != "" {
		certificate, err := ops.NewCertificate(cfg.Certificate, cfg.Key, log, nil)
		if err != nil {
			return nil, usage(err, "serve.tls names PEM files of a certificate and its key")
		}
		server.Certificate = certificate
		metrics.WatchCertificate(certificate)
	}
	server.Health = ops.NewHealth(log, nil,
		ops.StorePart(func(ctx context.Context) error { _, err := st.Head(ctx); return err }),
		ops.QueuePart(s.Pushes, lagging), ops.InboxPart(s.Inbox().Lag, s.Inbox().Try, cfg.Limits.Inbox), ops.TrustPart(s.Trust, time.Now))
	metrics.WatchTrustRoot(s.Trust, time.Now)
	server.Handler = ops.Routes{
		Hooks: s.Hooks(), API: s.API(), Alive: ops.Alive(), Ready: server.Health, MetricsHandler: metrics.Handler(log),
		Metrics: metrics, Tracing: tracing, Log: log,
	}.Handler()
	return server, nil
}

// serveAt answers at listener until ctx ends, then lets what goes on finish.
func serveAt(ctx context.Context, c *cli.Context, s *serve.Service, server *ops.Server, listener net.Listener, hangup <-chan os.Signal, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	answered := make(chan error, 1)
	go func() {
		answered <- server.Serve(ctx, listener)
		stop() // nothing listens any more
	}()
	log.InfoContext(ctx, "serving", "address", listener.Addr().String())
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				_ = s.Reload(ctx) // it says so itself
			}
		}
	}()
	return s.Run(ctx, gracePeriod(c), func(late context.Context) error {
		select {
		case err := <-answered:
			return err
		case <-late.Done():
			return fmt.Errorf("end serving: %w", late.Err())
		}
	})
}

func gracePeriod(c *cli.Context) time.Duration {
	if d := c.Duration("grace-period"); d > 0 {
		return d
	}
	return 30 * time.Second
}

// openServed opens the store that the config names.
func openServed(ctx context.Context, c *cli.Context, cfg *config.Config) (*store.Store, error) {
	where := cfg.Ledger.SQLite
	if cfg.Ledger.Postgres != "" {
		where = cfg.Ledger.Postgres
	}
	if where == "" {
		return nil, usage(errors.New("the config has no ledger"), "add ledger: {sqlite: intact.db}, or {postgres: postgres://…}")
	}
	st, err := store.Open(ctx, where, store.Options{Create: c.Bool("init")})
	switch {
	case errors.Is(err, store.ErrNone):
		return nil, usage(err, "make a new one, once: intact store init; or intact serve --init")
	case err != nil:
		return nil, usage(err, "see docs/ledger.md")
	}
	return st, nil
}

// secrets reads secrets of the config.
func secrets(p program) func(config.Secret) (string, error) {
	return func(s config.Secret) (string, error) { return secretOf(p, s.File, s.Env) }
}

// A startPolicy is the policy that the service was started with. Each config is
// read with it: what a former one said of the policy is not kept.
type startPolicy struct {
	name string
	set  bool // by a flag or the environment, which a config does not change
}

func policyOf(c *cli.Context) startPolicy { return startPolicy{c.String("policy"), c.IsSet("policy")} }

// loadSnapshot reads config and policy and makes of them what runs need.
func loadSnapshot(ctx context.Context, p program, c *cli.Context, start startPolicy, root *publicTrust) (*serve.Snapshot, error) {
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, err
	}
	name := start.name
	if cfg.Serve != nil && cfg.Serve.Policy != "" && !start.set {
		name = cfg.Serve.Policy
	}
	if name != c.String("policy") {
		if err := c.Set("policy", name); err != nil {
			return nil, err
		}
	}
	s, err := newScanSetup(ctx, p, c)
	if err != nil {
		return nil, err
	}
	s.public.last = root
	out := &serve.Snapshot{Config: s.reach.config, Registry: s.reach.registry, Runtimes: map[string][]scan.Runtime{},
		Reports: map[string]*policyreport.Writer{}, Close: s.close}
	if cfg.Serve != nil {
		if out.Attest, err = s.attester(p, c, cfg.Serve.Attest); err != nil {
			s.close()
			return nil, err
		}
		for _, w := range cfg.Serve.Watch {
			s.options.Runtimes = nil
			if err := s.configured(c, w.Context); err != nil {
				s.close()
				return nil, err
			}
			out.Runtimes[w.Context] = s.options.Runtimes
			if w.PolicyReports != "" {
				out.Reports[w.Context] = reportsTo(s.options.Runtimes[0], policyreport.Form(w.PolicyReports))
			}
		}
	}
	s.options.Runtimes = nil
	out.Options = s.options
	s.trusts(c, out)
	return out, nil
}
