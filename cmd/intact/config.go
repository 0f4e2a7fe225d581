package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/urfave/cli/v2"
)

func configCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "check config files",
		Subcommands: []*cli.Command{{
			Name: "lint", Usage: "check a config file strictly", ArgsUsage: "FILE...",
			Description: "Example:\n  intact config lint ~/.config/intact/config.yaml",
			Action:      func(c *cli.Context) error { return configLint(p, c) },
		}},
	}
}

func configLint(p program, c *cli.Context) error {
	if !c.Args().Present() {
		return usage(errors.New("no config given"), "intact config lint FILE")
	}
	for _, name := range c.Args().Slice() {
		cfg, err := config.Load(name, readLimited)
		if err != nil {
			return usage(err, "")
		}
		for _, problem := range cfg.Lint(time.Now()) {
			p.say("warning", "%s", problem)
		}
		if _, err := fmt.Fprintf(p.stdout, "%s: ok, %d registries\n", escape(name), len(cfg.Registries)); err != nil {
			return err
		}
	}
	return nil
}
