package main

import (
	"context"
	"os"
	"testing"

	"github.com/intact-dev/intact/pkg/scan/scantest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"intact": func() {
		os.Exit(run(context.Background(), program{
			args: os.Args, env: os.LookupEnv, environ: os.Environ, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		}))
	}})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               scantest.Setup,
		Cmds:                scantest.Commands(),
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
