package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

func scanCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "scan",
		Usage:     "examine images and judge them by a policy",
		UsageText: "intact scan [flags] IMAGE...\nintact scan [flags] -f PATH...\nintact scan [flags] --workloads WHERE\nintact scan --server URL [--format FORMAT] IMAGE...",
		Description: `IMAGE is a reference in a registry, or
  oci:DIR[:TAG|@DIGEST]   an image in an OCI image layout
  archive:FILE[:TAG]      an image in a tar archive (docker save, OCI), gzip too
  docker-daemon:REF       an image in a Docker engine's store, or Podman's
  containerd:REF          an image in containerd's store

With -f it examines every image that files name, in Kubernetes YAML, Kustomize,
Dockerfiles, Compose, Terraform, workflows and more, and all arguments are paths.

With --workloads it examines every image that runs, in kubernetes, docker or
containerd, and compares what was declared with what runs. With both, what files
declare is compared with what runs.

With --server nothing is asked of a registry here: intact serve at that URL judges
the images by its own policy, records the verdicts, and its report is printed. It
takes the images of the repositories that it watches, with a tag or a digest. The
token of a writer is in INTACT_SERVER_TOKEN.

Examples:
  intact scan ghcr.io/acme/api:1.4.2
  intact scan --policy strict --platform all ghcr.io/acme/api@sha256:…
  intact scan --key cosign.pub ghcr.io/acme/api:1.4.2
  intact scan --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2 IMAGE
  intact scan --as ghcr.io/acme/api:1.4.2 oci:out      before a push
  intact scan -f .                                     what a repository names
  intact scan -f deploy/ --workloads kubernetes        does that run, and nothing else?
  intact scan -f --changed-since origin/main           what a pull request touches
  helm template ./chart | intact scan -f -
  intact scan --workloads kubernetes --all-contexts
  intact scan --workloads docker --changed-files
  intact scan --format json=report.json --format text IMAGE
  intact scan --server https://intact.acme.example ghcr.io/acme/api:1.4.2

Exit status: 0 allowed, also with warnings; 1 denied; 2 usage or configuration;
3 undecided: something that the policy wants was not examined.`,
		Flags:  scanFlags(),
		Action: func(c *cli.Context) error { return runScan(c.Context, p, c) },
	}
}

func runScan(ctx context.Context, p program, c *cli.Context) error {
	start := time.Now()
	if err := checkScanArguments(p, c); err != nil {
		return err
	}
	outputs, err := scanOutputs(c)
	if err != nil {
		return err
	}
	if address := c.String("server"); address != "" {
		return scanByServer(ctx, p, c, address, outputs)
	}
	s, err := newScanSetup(ctx, p, c)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.readBaseline(c); err != nil {
		return err
	}
	if d := c.Duration("deadline"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var targets []scan.Target
	if !c.Bool("file") {
		if targets, err = s.targets(ctx, c.Args().Slice()); err != nil {
			return err
		}
	}
	if err := s.declared(ctx, c); err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitUndecided, cause: fmt.Errorf("not all files were read: %w", ctx.Err()), hint: "give more time with --deadline, or name fewer paths"}
		}
		return err
	}
	if err := s.ledgers(ctx, c); err != nil {
		return err
	}
	if err := s.runtimes(c); err != nil {
		return err
	}
	if _, set := p.env("GOGC"); !set && len(s.options.Runtimes) > 0 {
		// What is held of a large cluster lives to the end: to look for garbage often
		// finds little. The memory limit holds as ever.
		defer debug.SetGCPercent(debug.SetGCPercent(300))
	}
	r := scan.Run(ctx, targets, s.options)
	s.progress.Stop()
	r.Elapsed = time.Since(start)
	if s.baseline != nil {
		since := s.baseline.Compare(r)
		r.Baseline = &since
	}
	if err := s.write(r, outputs); err != nil {
		return err
	}
	return exitOf(r.Verdict)
}

// exitOf is how a run ends whose report is written.
func exitOf(d policy.Decision) error {
	switch d {
	case policy.Allow, policy.Warn:
		return nil
	case policy.Deny:
		return &exitError{code: exitDenied}
	}
	return &exitError{code: exitUndecided}
}

// checkScanArguments keeps images, files and places apart.
func checkScanArguments(p program, c *cli.Context) error {
	workloads, files := len(c.StringSlice("workloads")) > 0, c.Bool("file")
	switch {
	case !workloads && !files && !c.Args().Present():
		return usage(errors.New("no image given"), "intact scan IMAGE, for example: intact scan docker.io/library/nginx:1.27.3; or -f PATH, or --workloads kubernetes")
	case workloads && !files && c.Args().Present():
		return usage(fmt.Errorf("an image %q beside --workloads", c.Args().First()), "scan the image by itself, or what runs; for files write -f")
	case !files && c.String("changed-since") != "":
		return usage(errors.New("--changed-since without -f"), "it is for files: intact scan -f --changed-since "+c.String("changed-since"))
	case !files && len(c.StringSlice("rendered")) > 0:
		return usage(errors.New("--rendered without -f"), "it is for files: intact scan -f --rendered DIR PATH...")
	case workloads && c.String("changed-since") != "":
		return usage(errors.New("--changed-since with --workloads"), "what runs is compared with all that files declare: leave --changed-since out")
	case (workloads || files) && c.String("as") != "":
		return usage(errors.New("--as with files or workloads"), "--as is for local images: oci:DIR or archive:FILE")
	}
	for _, name := range []string{"kubeconfig", "context", "all-contexts", "namespace", "selector", "team-label", "revisions", "helm-releases", "config-maps",
		"secrets", "pull-secrets", "changed-files", "suggest"} {
		if _, byEnvironment := p.env(envVar(name)[0]); !workloads && c.IsSet(name) && !byEnvironment { // which may hold it for other runs
			return usage(fmt.Errorf("--%s without --workloads", name), "say where: --workloads kubernetes, docker or containerd")
		}
	}
	return nil
}

// hostPlatform is what an image runs on here: containers are Linux wherever the
// engine is not Windows'.
func hostPlatform() (string, string) {
	if runtime.GOOS == "windows" {
		return "windows", runtime.GOARCH
	}
	return "linux", runtime.GOARCH
}

// color says whether w gets colours: only a terminal, and never with NO_COLOR.
//
// https://no-color.org
func (p program) color(w any) bool {
	f, ok := w.(*os.File)
	if !ok || !terminalFile(f) {
		return false
	}
	if v, set := p.env("NO_COLOR"); set && v != "" {
		return false
	}
	term, _ := p.env("TERM")
	return term != "dumb"
}

// splitArgument separates a source prefix from what it is applied to. A text
// that is both a prefixed argument and a plain reference or an existing path is
// refused: which image is scanned must never depend on what lies about.
func splitArgument(arg string, exists func(string) bool) (prefix, rest string, err error) {
	for _, s := range []string{"oci", "archive", "docker-daemon", "containerd"} {
		if rest, ok := strings.CutPrefix(arg, s+":"); ok {
			runtime := s == "docker-daemon" || s == "containerd"
			switch {
			case rest == "" && runtime:
				return "", "", usage(fmt.Errorf("%s names nothing", arg), "write "+s+":REFERENCE")
			case rest == "":
				return "", "", usage(fmt.Errorf("%s names nothing", arg), "write "+s+":PATH")
			case runtime && validTag(rest):
				return "", "", usage(fmt.Errorf("%q can be read as the image %q with tag %q and as an image of a runtime", arg, s, rest),
					fmt.Sprintf("for the image write docker.io/library/%s; for the runtime's write %s", arg, fullName(s, rest)))
			case exists(arg):
				return "", "", usage(fmt.Errorf("%q is a file here and also a source prefix", arg),
					fmt.Sprintf("write %s:./%s for the file, or ./%s without a prefix is not an image", s, arg, arg))
			case validTag(rest) && !exists(rest):
				return "", "", usage(fmt.Errorf("%q can be read as the image %q with tag %q and as a path", arg, s, rest),
					fmt.Sprintf("for the image write docker.io/library/%s; for the path write %s:./%s", arg, s, rest))
			}
			return s, rest, nil
		}
	}
	if exists(arg) {
		return "", "", usage(fmt.Errorf("%q is a file or folder, and arguments are images", arg), pathHint(arg))
	}
	return "", arg, nil
}

// pathHint says how to write a path that was given without a prefix.
func pathHint(arg string) string {
	hint := fmt.Sprintf("for an image archive write archive:%s", arg)
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		hint = fmt.Sprintf("for an image layout write oci:%s", arg)
	}
	hint += "; for the images that files name put -f before it"
	if _, err := ref.Parse(arg); err == nil {
		hint += fmt.Sprintf("; for an image of that name write docker.io/library/%s", arg)
	}
	return hint
}

func validTag(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, r := range s {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", r) {
			return false
		}
	}
	return true
}
