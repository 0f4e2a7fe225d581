package main

import "github.com/urfave/cli/v2"

// The library's own help flag and command are not used. They are one for all runs
// of a process, and each run writes to them; `intact scan h` would be a request
// for help in place of an image; and where an argument stands beside --help it
// prints nothing, and ends with 0.

// helpFlag is --help of one command.
func helpFlag() cli.Flag {
	return &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help", DisableDefaultText: true}
}

// helpCommand is there to be listed: permute makes `intact help COMMAND` to
// `intact COMMAND --help`.
func helpCommand() *cli.Command {
	return &cli.Command{Name: "help", Aliases: []string{"h"}, Usage: "show help for a command", ArgsUsage: "[COMMAND]"}
}
