package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A program is everything that a run reads and writes, so that tests run the
// real thing.
type program struct {
	args           []string
	env            func(string) (string, bool)
	environ        func() []string // all of it; nil = nobody looks at variables that nothing reads
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run runs the command line and returns the exit code.
//
// Rules of the interface: stdout carries the result only; stderr carries
// "intact: error|hint|warning: …", without a capital and without a full stop.
func run(ctx context.Context, p program) int {
	app := newApp(p)
	warnOfVariables(p, app.Commands)
	args, err := permute(p.args, app)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	var exit *exitError
	if errors.As(err, &exit) && exit.cause == nil {
		return exit.code
	}
	if err != nil {
		p.fault(err)
		if exit != nil && exit.hint != "" {
			p.say("hint", "%s", exit.hint)
		}
	}
	return codeOf(err)
}

// maxFaults of a document are told.
const maxFaults = 20

// fault says what is wrong; of a document with several faults each on its own line.
func (p program) fault(err error) {
	var all strictyaml.Errors
	if errors.As(err, &all) && err.Error() == all.Error() {
		for i, e := range all {
			if i == maxFaults {
				p.say("error", "and %d more", len(all)-i)
				break
			}
			p.say("error", "%s", e)
		}
		return
	}
	p.say("error", "%s", err)
}

func (p program) say(kind, format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, "intact: %s: %s\n", kind, escape(fmt.Sprintf(format, args...)))
}

func newApp(p program) *cli.App {
	app := &cli.App{
		Name:      "intact",
		Usage:     "prove that what runs is what was built",
		UsageText: "intact COMMAND [flags] [arguments]",
		Description: "intact resolves container images once, verifies every byte and who signed them, finds\n" +
			"what can change, and says plainly what it did not examine.\n\n" +
			"Exit status: 0 allowed, 1 denied, 2 usage or configuration, 3 undecided.",
		Commands: []*cli.Command{
			scanCommand(p), krmCommand(p), pinCommand(p), unpinCommand(p), lockCommand(p), historyCommand(p), storeCommand(p), attestCommand(p), explainCommand(p), checksCommand(p), policyCommand(p), configCommand(p),
			serveCommand(p), versionCommand(p), completionCommand(p), helpCommand(),
		},
		Flags:       []cli.Flag{helpFlag()},
		HideHelp:    true,
		Writer:      p.stdout,
		ErrWriter:   p.stderr,
		HideVersion: true,
		// A path or an address may have a comma in it.
		DisableSliceFlagSeparator: true,
		EnableBashCompletion:      false,
		// The library would call os.Exit inside Run for any error with an ExitCode
		// method, which a failed credential helper's error has.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usageError,
		Action:         noCommand(p),
		CommandNotFound: func(_ *cli.Context, _ string) {
		},
	}
	setAll(app.Commands)
	return app
}

func setAll(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = usageError
		c.HideHelp, c.HideHelpCommand = true, true // those of the library
		c.Flags = append(c.Flags, helpFlag())
		if c.Action == nil && len(c.Subcommands) > 0 {
			c.Action = noSubcommand(c)
		}
		setAll(c.Subcommands)
	}
}

// usageError keeps the library from printing usage errors to stdout.
func usageError(c *cli.Context, err error, _ bool) error {
	name := "intact"
	if c != nil && c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	hint := fmt.Sprintf("see %s --help", name)
	if flag, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown && c != nil && c.Command != nil {
		hint = didYouMean("--", strings.TrimLeft(flag, "-"), flagNames(c.Command)) + hint
	}
	if strings.Contains(err.Error(), "timeout") || strings.Contains(err.Error(), "deadline") {
		hint = "write a time with its unit: 90s, 15m"
	}
	return usage(err, hint)
}

func noCommand(p program) cli.ActionFunc {
	return func(c *cli.Context) error {
		if !c.Args().Present() {
			_ = cli.ShowAppHelp(c)
			return &exitError{code: exitUsage}
		}
		name := c.Args().First()
		if strings.ContainsAny(name, ":/@.") {
			return usage(fmt.Errorf("unknown command %q", name), fmt.Sprintf("to scan an image: intact scan %s", name))
		}
		return usage(fmt.Errorf("unknown command %q", name), didYouMean("intact ", name, commandNames(c.App.Commands))+"see intact --help")
	}
}

func noSubcommand(c *cli.Command) cli.ActionFunc {
	return func(ctx *cli.Context) error {
		var names []string
		for _, s := range c.Subcommands {
			names = append(names, s.Name)
		}
		if ctx.Args().Present() {
			return usage(fmt.Errorf("unknown command %q", c.Name+" "+ctx.Args().First()), "there is: "+strings.Join(names, ", "))
		}
		return usage(fmt.Errorf("%s needs a command", c.Name), "there is: "+strings.Join(names, ", "))
	}
}

// envVar is the environment variable of a flag: --no-cache is INTACT_NO_CACHE.
func envVar(flag string) []string {
	return []string{"INTACT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && terminalFile(f)
}
