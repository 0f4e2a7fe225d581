package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

// A scanSetup is the options of one scan, made from flags and files.
type scanSetup struct {
	p        program
	options  scan.Options
	reach    *reach
	as       ref.Ref
	store    runtimeStore
	progress *progress
	titles   map[string]string
	own      []check.Check // the policy's
	verbose  bool
	notices  notices
	public   publicTrust
	closers  []func() error
	baseline *report.Baseline // an earlier report; nil = none
}

func newScanSetup(ctx context.Context, p program, c *cli.Context) (*scanSetup, error) {
	s := &scanSetup{p: p, verbose: c.Bool("verbose"), titles: map[string]string{}, store: storeOf(c)}
	pol, err := loadPolicy(c)
	if err != nil {
		return nil, err
	}
	s.own = pol.Checks(time.Time{})
	for _, k := range slices.Concat(allChecks(), s.own) {
		s.titles[k.ID] = k.Title
	}
	depth, err := parseDepth(c.String("depth"), defaultDepth(c, pol))
	if err != nil {
		return nil, err
	}
	selection, err := parsePlatforms(c.String("platform"))
	if err != nil {
		return nil, err
	}
	now, err := parseNow(c.String("now"))
	if err != nil {
		return nil, err
	}
	if s.as, err = parseAs(c.String("as")); err != nil {
		return nil, err
	}
	if s.as.Name != "" && (signerKey(c) != "" || c.String("certificate-oidc-issuer") != "") {
		return nil, usage(errors.New("--as with a signer that must have signed"), "nothing is signed before it is pushed: scan the pushed digest with --key or --certificate-identity")
	}
	if s.reach, err = newReach(p, c, pol, &s.notices); err != nil {
		return nil, err
	}
	cache, warning := openCache(c, s.reach.config.Cache, pol, s.notices.add)
	if warning != "" {
		s.notices.add(warning)
	}
	if cache != nil {
		s.closers = append(s.closers, cache.Close)
	}
	jobs := c.Int("jobs")
	if jobs < 0 {
		return nil, usage(fmt.Errorf("--jobs is %d", jobs), "give a number from 1, or leave it out")
	}
	if jobs == 0 {
		jobs = min(4, max(2, runtime.NumCPU()))
	}
	s.progress = newProgress(p.stderr, isTerminal(p.stderr) && !c.Bool("quiet"))
	s.options = scan.Options{
		Policy: pol, Checks: builtinChecks(), Now: now, Clock: time.Now,
		Depth: depth, Select: selection, Jobs: jobs, Timeout: c.Duration("timeout"),
		Layers:    gather.NewLayers(jobs, cache, s.progress.gatherer()),
		Documents: documents(cache), Facts: c.Bool("facts"), Suggest: c.Bool("suggest"), Told: s.progress.told,
		Tool: report.Tool{Name: "intact", Version: toolVersion()}, Notices: s.allNotices,
	}
	s.options.Signatures = scan.NewSigner(pol, scan.SignerOptions{
		PublicRoot: s.publicRoot(c, now), BuiltinRoot: s.builtinRoot, Elsewhere: s.reach.signatureRepositories,
		Platforms: selection.Only, Clock: time.Now,
	})
	return s, nil
}

// allNotices are what the report says about the run as a whole.
func (s *scanSetup) allNotices() []string {
	if n := s.options.Layers.Disagreed(); n > 0 {
		s.notices.add(fmt.Sprintf("two decoders disagreed on %d layers, which were left undecided: please report it", n))
	}
	return s.notices.list()
}

// documents keeps a nil cache from becoming a store that is not nil.
func documents(c *gather.ContentCache) image.DocumentStore {
	if c == nil {
		return nil
	}
	return c
}

func (s *scanSetup) close() {
	for _, f := range s.closers {
		_ = f()
	}
}

func loadPolicy(c *cli.Context) (*policy.Policy, error) {
	name := c.String("policy")
	pol, err := policy.Load(policyLoader(readLimited), name)
	if err != nil {
		hint := "embedded policies are baseline, strict and audit; a file's name ends in .yaml or has a slash"
		if exists(name) {
			hint = "check it with: intact policy lint " + name
		}
		return nil, usage(err, hint)
	}
	return overrideSignatures(c, pol)
}

// maxPolicyFile bounds policies, keys and trust roots; a trusted_root.json is
// some tens of kilobytes.
const maxPolicyFile = 4 << 20

func readLimited(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return nil, pathErr.Err
		}
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case info.Size() > maxPolicyFile:
		return nil, fmt.Errorf("it has %d bytes, more than the limit of %d", info.Size(), maxPolicyFile)
	}
	return os.ReadFile(filepath.FromSlash(name))
}

// defaultDepth is how far to go if nobody says: images that somebody named
// deserve to be read whole, those of a repository or a cluster as far as the
// policy asks.
func defaultDepth(c *cli.Context, pol *policy.Policy) policy.Depth {
	if pol.Depth() != "" && !c.Bool("suggest") && (len(c.StringSlice("workloads")) > 0 || c.Bool("file")) {
		return pol.Depth()
	}
	return policy.DepthLayers
}

func parseDepth(s string, otherwise policy.Depth) (policy.Depth, error) {
	switch d := policy.Depth(s); d {
	case "":
		return otherwise, nil
	case policy.DepthReference, policy.DepthManifest, policy.DepthLayers:
		return d, nil
	}
	return "", usage(fmt.Errorf("unknown depth %q", s), "there is: reference, manifest, layers")
}

func parsePlatforms(s string) (image.Selection, error) {
	os, arch := hostPlatform()
	switch s {
	case "":
		return image.Selection{Host: ref.Platform{OS: os, Architecture: arch}}, nil
	case "all":
		return image.Selection{All: true}, nil
	}
	var sel image.Selection
	for _, text := range strings.Split(s, ",") {
		p, err := ref.ParsePlatform(strings.TrimSpace(text))
		if err != nil {
			return sel, usage(err, "for example --platform linux/amd64,linux/arm64 or --platform all")
		}
		sel.Only = append(sel.Only, p)
	}
	return sel, nil
}

// parseNow returns the time to judge by: the day, so that two runs on one day
// give the same report.
func parseNow(s string) (time.Time, error) {
	if s == "" {
		return time.Now().UTC().Truncate(24 * time.Hour), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage(fmt.Errorf("--now %q is no time", s), "write 2026-11-23 or 2026-11-23T15:04:05Z")
}

func parseAs(s string) (ref.Ref, error) {
	if s == "" {
		return ref.Ref{}, nil
	}
	r, err := ref.Parse(s)
	switch {
	case err != nil:
		return ref.Ref{}, usage(fmt.Errorf("--as: %w", err), "write REGISTRY/REPOSITORY:TAG")
	case r.Tag == "" || r.Digest != "":
		return ref.Ref{}, usage(fmt.Errorf("--as %q has no tag or a digest", s), "write REGISTRY/REPOSITORY:TAG: the tag that the push will write")
	}
	return r, nil
}
