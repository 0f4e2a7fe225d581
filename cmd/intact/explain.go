package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/urfave/cli/v2"
)

func explainCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "say what a check finds, why it matters and what to do", ArgsUsage: "ID",
		Description: "Example:\n  intact explain LAY002",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage(errors.New("explain needs one check"), "for example: intact explain LAY002; all: intact checks")
			}
			id := strings.ToUpper(c.Args().First())
			for _, k := range allChecks() {
				if k.ID == id {
					_, err := p.stdout.Write(check.Page(k, checks.Example(k)))
					return err
				}
			}
			return usage(fmt.Errorf("there is no check %q", c.Args().First()), "all checks: intact checks")
		},
	}
}

func checksCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "checks", Usage: "list all checks and what the embedded policies make of them",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage(fmt.Errorf("checks takes no argument, got %q", c.Args().First()), "to explain one: intact explain "+c.Args().First())
			}
			named, err := embeddedPolicies()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%-8s %-10s %-10s %-10s %s\n", "CHECK", "BASELINE", "STRICT", "AUDIT", "FINDS")
			for _, k := range allChecks() {
				if err != nil {
					return err
				}
				var levels []any
				for _, pol := range named {
					level, _ := pol.Level(k.ID, anySubject())
					levels = append(levels, level.String())
				}
				_, err = fmt.Fprintf(p.stdout, "%-8s %-10s %-10s %-10s %s\n", append(append([]any{k.ID}, levels...), k.Title)...)
			}
			return err
		},
	}
}
