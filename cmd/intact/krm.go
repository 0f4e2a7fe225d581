package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/kubernetes"
	"github.com/intact-dev/intact/pkg/krm"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

func krmCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "krm",
		Usage:     "judge the images of a ResourceList, as a function of kustomize or kpt",
		UsageText: "intact krm [flags] < RESOURCELIST",
		Description: `A KRM function: the ResourceList on standard input goes to standard output with
results, its items unchanged. The spec of the functionConfig, or the data of a
ConfigMap, gives flags by their names: policy, depth, platform, key,
certificate-identity, certificate-identity-regexp, certificate-oidc-issuer,
trusted-root, timeout, deadline, offline. What is given on the command line or in
the environment wins.

Examples:
  kpt fn eval deploy/ --exec "intact krm" --results-dir results -- policy=strict

docs/ci.md shows it in a Kptfile and in an overlay.

Exit status: 0 allowed, also with warnings; 1 denied; 2 usage or configuration;
3 undecided. The results say why, errors also on standard error.`,
		Flags:  krmFlags(),
		Action: func(c *cli.Context) error { return runKRM(c.Context, p, c) },
	}
}

// krmFlags are those of scan that are not about arguments and reports.
func krmFlags() []cli.Flag {
	return slices.DeleteFunc(imageFlags(), func(f cli.Flag) bool {
		switch f.Names()[0] {
		case "format", "output", "as", "facts", "verbose", "baseline", "file":
			return true
		}
		return false
	})
}

// configurable are the flags that a functionConfig may set. It is part of what is
// judged, so it says nothing of how to reach things.
func configurable() []string {
	return []string{"policy", "depth", "platform", "key", "certificate-identity", "certificate-identity-regexp", "certificate-oidc-issuer",
		"trusted-root", "timeout", "deadline", "offline"}
}

func runKRM(ctx context.Context, p program, c *cli.Context) error {
	if c.Args().Present() {
		return usage(fmt.Errorf("an argument %q", c.Args().First()), "krm reads a ResourceList from standard input")
	}
	list, err := krm.Read(p.stdin)
	if err != nil {
		return usage(err, "krm is run by kustomize or kpt; to judge plain manifests: intact scan -f -")
	}
	if err := configure(c, list); err != nil {
		return err
	}
	s, err := newScanSetup(ctx, p, c)
	if err != nil {
		return err
	}
	defer s.close()
	if d := s.options.Policy.Depth(); c.String("depth") == "" && d != "" {
		s.options.Depth = d // nobody named an image
	}
	if d := c.Duration("deadline"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	declared := list.Extract(kubernetes.Extractor{})
	s.options.Files = []scan.Files{{
		Name: "ResourceList", Found: declared.Found, Objects: declared.Objects, Problems: declared.Problems,
		Counts: []observe.Count{{What: "resources", N: len(list.Items())}},
		Place:  scan.Place{Source: s.reach.registry, Prober: s.reach.registry, Referrer: s.reach.registry},
	}}
	r := scan.Run(ctx, nil, s.options)
	s.progress.Stop()
	results := list.Results(r)
	if err := list.Write(p.stdout, results); err != nil {
		return usage(err, "")
	}
	for _, res := range results {
		if res.Severity == krm.Error {
			p.say("error", "%s", res)
		}
	}
	switch r.Verdict {
	case policy.Allow, policy.Warn:
		return nil
	case policy.Deny:
		return &exitError{code: exitDenied}
	}
	return &exitError{code: exitUndecided}
}

// configure sets the flags that the functionConfig names and nobody else has set.
func configure(c *cli.Context, list *krm.List) error {
	config, err := list.Config()
	if err != nil {
		return usage(err, "write it as spec: {policy: strict}")
	}
	for name, v := range config {
		if !slices.Contains(configurable(), name) {
			return usage(fmt.Errorf("functionConfig has an unknown key %q", name), "there is: "+strings.Join(configurable(), ", "))
		}
		if c.IsSet(name) {
			continue
		}
		if err := c.Set(name, v); err != nil {
			return usage(fmt.Errorf("functionConfig: %s: %w", name, err), "")
		}
	}
	return nil
}
