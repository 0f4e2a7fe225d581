package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/scan/scantest"
	"github.com/rogpeppe/go-internal/testscript"
)

// What is in deploy/, and the image of a release, judged by intact itself.
func TestDeploy(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/deploy",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for to, from := range map[string]string{"repo/deploy": "../../deploy", "bare": "../../deploy/helm"} {
				if err := os.CopyFS(filepath.Join(env.WorkDir, filepath.FromSlash(to)), os.DirFS(from)); err != nil {
					return err
				}
			}
			return scantest.Setup(env)
		},
		Cmds: scantest.Commands(),
	})
}
