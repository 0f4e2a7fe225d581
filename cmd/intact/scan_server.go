package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/client"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// withServer are the flags of scan that say what to do with the report of a
// server. All others say how to judge or how to reach something, which is up to
// the server.
var withServer = []string{"server", "format", "output", "timeout", "deadline", "quiet", "verbose"}

// scanByServer has the images judged by the server at address.
func scanByServer(ctx context.Context, p program, c *cli.Context, address string, outputs []output) error {
	images, err := serverImages(p, c)
	if err != nil {
		return err
	}
	server, err := askServer(p, address)
	if err != nil {
		return err
	}
	if d := c.Duration("deadline"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	s := &scanSetup{p: p, verbose: c.Bool("verbose"), titles: map[string]string{}, progress: newProgress(p.stderr, isTerminal(p.stderr) && !c.Bool("quiet"))}
	start := time.Now()
	asked := &asking{server: server.Client, images: images, each: c.Duration("timeout"), told: s.progress.told}
	reports, errs := asked.all(ctx)
	s.progress.Stop()
	if i := slices.IndexFunc(errs, client.Refused); i >= 0 {
		return usage(errs[i], "is it the address of intact serve, the token of a writer, and a repository that it watches?")
	}
	for _, w := range asked.warnings {
		p.say("warning", "%s", w)
	}
	failed := withUnjudged(images, reports, errs)
	r, err := report.Merge(reports...)
	if err != nil {
		return &exitError{code: exitUndecided, cause: err, hint: "ask again"}
	}
	r.Elapsed = time.Since(start)
	s.describe(r)
	if err := s.write(r, outputs); err != nil {
		return err
	}
	if len(failed) == 0 {
		return exitOf(r.Verdict)
	}
	for _, err := range failed[1:] {
		p.say("error", "%s", err)
	}
	code := exitUndecided
	if r.Verdict == policy.Deny {
		code = exitDenied
	}
	hint := "see the log of the server, and ask again"
	switch {
	case slices.ContainsFunc(failed, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }):
		hint = "is intact serve running at " + address + "?"
	case slices.ContainsFunc(failed, func(err error) bool { return errors.Is(err, errNoTag) }):
		hint = "look at the name and the tag"
	}
	return &exitError{code: code, cause: failed[0], hint: fmt.Sprintf("%d of %d images were not judged: %s", len(failed), len(images), hint)}
}

// serverImages are the arguments as references. What else was asked for cannot be
// done by a server, and is refused rather than left out.
func serverImages(p program, c *cli.Context) ([]ref.Ref, error) {
	var refused []string
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		// The environment may say how registries are reached; what it says of how to
		// judge must not be passed over.
		reach := slices.Contains([]string{"config", "plain-http", "allow-redirect", "jobs", "cache-dir", "no-cache"}, name)
		text, byEnvironment := p.env(envVar(name)[0])
		if !slices.Contains(withServer, name) && c.IsSet(name) && (!byEnvironment || text != "" && !reach) {
			refused = append(refused, "--"+name)
		}
	}
	if len(refused) > 0 {
		return nil, usage(fmt.Errorf("--server with %s", strings.Join(refused, ", ")), "the server judges by its own policy and config; leave that out, or scan without --server")
	}
	var out []ref.Ref
	for _, arg := range c.Args().Slice() {
		prefix, rest, err := splitArgument(arg, exists)
		if err == nil && prefix != "" {
			err = usage(fmt.Errorf("--server with %q, which is not in a registry", arg), "push it, or scan it without --server")
		}
		if err != nil {
			return nil, err
		}
		r, err := ref.Parse(rest)
		if err != nil {
			return nil, usage(err, "write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…")
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// describe gives checks of the server's own policy a name.
func (s *scanSetup) describe(r *report.Report) {
	for _, k := range allChecks() {
		s.titles[k.ID] = k.Title
	}
	add := func(results []*report.Result) {
		for _, x := range results {
			if _, known := s.titles[x.Check]; !known {
				s.titles[x.Check] = "a check of the server's policy"
				s.own = append(s.own, check.Check{ID: x.Check, Title: s.titles[x.Check]})
			}
		}
	}
	for _, i := range r.Images {
		add(i.Results)
	}
	for _, t := range r.Targets {
		add(t.Results)
	}
}

// asking is several images that one server is asked for.
type asking struct {
	server *client.Client
	images []ref.Ref
	each   time.Duration // for one; 0 = as long as the service gives itself
	told   func(what string, done, total int)

	mu       sync.Mutex
	done     int
	warnings []string
}

const (
	serverTime  = 40 * time.Minute // a service gives itself somewhat less
	serverEvery = 250 * time.Millisecond
	serverJobs  = 8
)

// all has all images judged. Of each there is a report or an error, at its place.
func (a *asking) all(ctx context.Context) ([]*report.Report, []error) {
	got, errs := make([]*report.Report, len(a.images)), make([]error, len(a.images))
	a.told("images judged", 0, len(a.images))
	var g errgroup.Group
	g.SetLimit(serverJobs)
	for i, r := range a.images {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.each, serverTime))
			defer cancel()
			got[i], errs[i] = a.one(ctx, r)
			a.mu.Lock()
			defer a.mu.Unlock()
			a.done++
			a.told("images judged", a.done, len(a.images))
			return nil
		})
	}
	_ = g.Wait()
	return got, errs
}

// serverTries is how often an image is asked for whose verdict somebody else got.
const serverTries = 3

// one has one image judged, and returns the report of just that run.
func (a *asking) one(ctx context.Context, r ref.Ref) (*report.Report, error) {
	for range serverTries {
		s, err := a.server.Scan(ctx, r)
		if err == nil {
			s, err = a.server.Wait(ctx, s, serverEvery)
		}
		if err != nil {
			return nil, err
		}
		if s.VerdictID == 0 {
			// Nothing to judge, or an event of the same tag was answered with it.
			if _, err := a.server.Latest(ctx, r); client.NotFound(err) {
				return nil, fmt.Errorf("%s: %w", r, errNoTag)
			}
			continue
		}
		v, err := a.server.Verdict(ctx, s.VerdictID)
		if err != nil {
			return nil, err
		}
		out, err := reportOf(r, v)
		if err != nil {
			return nil, fmt.Errorf("%s: verdict %d of the server: %w", r, v.ID, err)
		}
		if v.AwaitingSignature {
			a.mu.Lock()
			a.warnings = append(a.warnings, fmt.Sprintf("%s was just pushed, and the server waits for its signature: this is no last word", r))
			a.mu.Unlock()
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: %w", r, errOthers)
}

var errNoTag = errors.New("the registry has no such tag, says the server, and had none")

var errOthers = errors.New("the server keeps no report of this scan: others ask for the same all the time")
