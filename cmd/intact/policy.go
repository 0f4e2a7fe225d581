package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/policytest"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/urfave/cli/v2"
)

func policyCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "policy", Usage: "check and test policies",
		Subcommands: []*cli.Command{
			{
				Name: "lint", Usage: "check a policy file strictly and warn of what looks wrong", ArgsUsage: "NAME|FILE...",
				Description: "Example:\n  intact policy lint prod.yaml",
				Action:      func(c *cli.Context) error { return policyLint(p, c) },
			},
			{
				Name: "test", Usage: "judge facts by a policy and compare with what is wanted", ArgsUsage: "DIR",
				Description: "DIR holds files *.txtar; docs/policy-test.md says what is in them.\n\n" +
					"Example:\n  intact policy test policies/tests\n\nExit status: 0 all as wanted, 1 not, 2 usage.",
				Flags:  []cli.Flag{str("policy", "`NAME` of an embedded policy or a policy file to test", "baseline")},
				Action: func(c *cli.Context) error { return policyTest(p, c) },
			},
		},
	}
}

func policyLint(p program, c *cli.Context) error {
	if !c.Args().Present() {
		return usage(errors.New("no policy given"), "intact policy lint FILE")
	}
	for _, name := range c.Args().Slice() {
		pol, err := policy.Load(policyLoader(readLimited), name)
		if err != nil {
			return usage(err, "")
		}
		for _, problem := range pol.Lint(time.Now()) {
			p.say("warning", "%s", problem)
		}
		if _, err := fmt.Fprintf(p.stdout, "%s: ok, %s, %s\n", escape(name), pol.Name(), pol.Digest()); err != nil {
			return err
		}
	}
	return nil
}

func policyTest(p program, c *cli.Context) error {
	if c.NArg() != 1 {
		return usage(errors.New("policy test needs one folder"), "intact policy test DIR")
	}
	dir := c.Args().First()
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage(fmt.Errorf("%q is no folder", dir), "intact policy test DIR")
	}
	pol, err := policy.Load(policyLoader(readLimited), c.String("policy"))
	if err != nil {
		return usage(err, "")
	}
	results, err := policytest.Run(os.DirFS(dir), policytest.Options{Policy: pol, Checks: checksOf(pol), Now: time.Now()})
	if err != nil {
		return usage(err, "what a case looks like: docs/policy-test.md")
	}
	failed := 0
	for _, r := range results {
		word := "ok  "
		if !r.OK() {
			word = "FAIL"
			failed++
		}
		_, _ = fmt.Fprintf(p.stdout, "%s %s\n", word, escape(r.Name))
		if r.Err != nil {
			_, _ = fmt.Fprintf(p.stdout, "     %s\n", escape(r.Err.Error()))
		}
		for _, problem := range r.Problems {
			_, _ = fmt.Fprintf(p.stdout, "     %s\n", escape(problem))
		}
	}
	_, _ = fmt.Fprintf(p.stdout, "%d cases, %d failed, policy %s\n", len(results), failed, escape(pol.Name()))
	if failed > 0 {
		return &exitError{code: exitDenied}
	}
	return nil
}

// checksOf returns what makes all checks for one subject: those on signatures
// depend on the rule for its image.
func checksOf(pol *policy.Policy) func(policy.Subject, time.Time) []check.Check {
	return func(s policy.Subject, now time.Time) []check.Check {
		return slices.Concat(builtinChecks(), pol.SignatureChecks(s.Image, signing.Options{}), pol.Checks(now))
	}
}
