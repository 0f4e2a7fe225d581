package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves flags before arguments: the library stops reading flags at the
// first argument, so that `intact scan IMAGE --policy strict` would scan an
// image called strict with the default policy. Everything after -- is an
// argument. A flag that wants a value does not take another flag for it, and one
// of one value is given once: the library would take the last of two policies or
// keys. --help stands alone (see help).
func permute(args []string, app *cli.App) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	out := args[:1:1]
	rest := args[1:]
	if rest[0] == "--version" { // as people try first
		rest = []string{"version"}
	}
	commands, flags := app.Commands, app.Flags
	asksHelp := false
	for len(rest) > 0 {
		if len(commands) > 0 && slices.Contains([]string{"help", "h", "--help", "-h"}, rest[0]) {
			asksHelp, rest = true, rest[1:]
			continue
		}
		c := find(commands, rest[0])
		if c == nil {
			break
		}
		out = append(out, rest[0])
		rest, commands, flags = rest[1:], c.Subcommands, c.Flags
	}
	takesValue, once := map[string]bool{}, map[string]cli.Flag{}
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		_, isSlice := f.(*cli.StringSliceFlag)
		for _, n := range f.Names() {
			if takesValue[n] = !isBool; !isBool && !isSlice {
				once[n] = f
			}
		}
	}
	var moved, plain []string
	given := map[cli.Flag]bool{}
	for i := 0; i < len(rest); i++ {
		a := rest[i]
		if a == "--" {
			plain = append(plain, rest[i+1:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			plain = append(plain, a)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if (name == "help" || name == "h") && !hasValue {
			asksHelp = true
			continue
		}
		if f := once[name]; f != nil {
			if given[f] {
				return nil, usage(fmt.Errorf("%s is given twice", strings.TrimSuffix(a, "="+value)), "it has one value, and which is meant cannot be told: leave one out")
			}
			given[f] = true
		}
		moved = append(moved, a)
		if takesValue[name] && !hasValue && i+1 < len(rest) {
			i++
			if next, _, _ := strings.Cut(strings.TrimPrefix(rest[i], "--"), "="); strings.HasPrefix(rest[i], "--") && known(takesValue, next) {
				return nil, usage(fmt.Errorf("%s has no value: the flag --%s follows", a, next), "write "+a+" VALUE, or "+a+"="+rest[i]+" if that is the value")
			}
			moved = append(moved, rest[i])
		}
	}
	if asksHelp && (len(plain) == 0 || len(commands) == 0) {
		return append(out, "--help"), nil
	}
	out = append(out, moved...)
	for _, a := range plain {
		if strings.HasPrefix(a, "-") && len(a) > 1 {
			return append(append(out, "--"), plain...), nil
		}
	}
	return append(out, plain...), nil
}

func known(flags map[string]bool, name string) bool {
	_, ok := flags[name]
	return ok
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}
