package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/urfave/cli/v2"
)

// version is set by the release build.
var version = "" //nolint:gochecknoglobals // the linker's -X writes it

func versionCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version, and those of the formats it speaks",
		Action: func(*cli.Context) error {
			_, err := fmt.Fprintf(p.stdout, "intact %s (%s, %s/%s)\nformats: %s, %s, %s\n",
				toolVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, report.Schema, policy.Schema, fact.Schema)
			return err
		},
	}
}

// toolVersion is the release's, or what the build knows of its source.
func toolVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	return v
}
