package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// near returns which of all names somebody may have meant by one that is none of
// them, or "": at most two letters differ, and fewer than half of them.
func near(name string, all []string) string {
	best, meant := 3, ""
	for _, one := range all {
		if d := smetrics.WagnerFischer(name, one, 1, 1, 1); d < best && 2*d < min(len(name), len(one)) {
			best, meant = d, one
		}
	}
	return meant
}

// variables are the environment variables of all flags of commands and below.
func variables(commands []*cli.Command) []string {
	all := []string{serverToken}
	for _, c := range commands {
		for _, f := range c.Flags {
			if v, ok := f.(cli.DocGenerationFlag); ok {
				all = append(all, v.GetEnvVars()...)
			}
		}
		all = append(all, variables(c.Subcommands)...)
	}
	return all
}

// warnOfVariables names environment variables that look like one of the program's
// and are none: a policy in INTACT_POLCY would not be used without a word.
func warnOfVariables(p program, commands []*cli.Command) {
	if p.environ == nil {
		return
	}
	known := variables(commands)
	for _, pair := range p.environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "INTACT_") || slices.Contains(known, name) {
			continue
		}
		own := strings.TrimPrefix(name, "INTACT_")
		if meant := near(own, trimmed(known)); meant != "" {
			p.say("warning", "the environment variable %s is not read, as there is none; INTACT_%s is", name, meant)
		}
	}
}

func trimmed(known []string) []string {
	out := make([]string, len(known))
	for i, k := range known {
		out[i] = strings.TrimPrefix(k, "INTACT_")
	}
	return out
}

// didYouMean is the flag or command that a hint names, with a space behind it.
func didYouMean(prefix, name string, all []string) string {
	if meant := near(name, all); meant != "" {
		return fmt.Sprintf("did you mean %s%s? ", prefix, meant)
	}
	return ""
}

// flagNames are the long names of the flags of c.
func flagNames(c *cli.Command) []string {
	var all []string
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if len(n) > 1 {
				all = append(all, n)
			}
		}
	}
	return all
}

func commandNames(commands []*cli.Command) []string {
	all := make([]string, 0, len(commands))
	for _, c := range commands {
		all = append(all, c.Name)
	}
	return all
}
