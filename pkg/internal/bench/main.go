// Command bench measures intact against its peers on one big image, all in the
// same run, one after the other, round by round:
//
//	go run ./pkg/internal/bench [-n ROUNDS] [-image REF] [-intact FILE]
//	go run ./pkg/internal/bench -pods N [-n ROUNDS] [-intact FILE]
//	go run ./pkg/internal/bench -files N [-n ROUNDS] [-intact FILE]
//
// It prints wall time, CPU time and peak memory of whole processes (minimum,
// median, maximum), the ratios to each peer round by round, a second scan with
// a warm cache and the requests it made, and the start-up time of
// `intact version`. The first round is not counted.
//
// Without -image it makes the image of pkg/internal/testground and serves it
// from Debian's docker-registry on loopback, which needs Linux, root and some
// Debian packages. With -image, a reference that is served elsewhere, it needs
// only Go. Peers that do not install are left out, with a message.
//
// With -pods it measures a scan of what runs in place of an image: a real API
// server that holds N pods of two containers each, and their registry, against
// `kubectl get pods --all-namespaces`. That needs Linux, root, and some minutes
// the first time, to build Kubernetes and to make the pods.
//
// With -files it measures `intact pin --check` and `intact scan -f` on N files
// with a tag each, against `frizbee image --dry-run`. That needs Linux and some
// Debian packages.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

func main() {
	// Also when the reader of the output leaves: the registry must not stay behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	var o options
	flag.IntVar(&o.rounds, "n", 5, "counted `ROUNDS`")
	flag.StringVar(&o.image, "image", "", "measure this `REF` instead of the big image made here")
	flag.IntVar(&o.pods, "pods", 0, "measure a scan of what runs in a cluster of `N` pods")
	flag.IntVar(&o.files, "files", 0, "measure what resolves the tags in `N` files")
	flag.StringVar(&o.intact, "intact", "", "measure this `FILE` instead of building cmd/intact")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.modes() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds, pods, files int
	image, intact       string
}

// modes counts what is asked for: one thing is measured in a run.
func (o options) modes() int {
	n := 0
	for _, asked := range []bool{o.pods != 0, o.files != 0, o.image != ""} {
		if asked {
			n++
		}
	}
	return n
}

func run(ctx context.Context, o options) (err error) {
	work, err := os.MkdirTemp("", "intact-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if o.intact == "" {
		if o.intact, err = build(ctx, work); err != nil {
			return err
		}
	}
	if o.pods > 0 {
		fmt.Printf("%s, a cluster of %d pods\n\n", machine(), o.pods)
		return inventory(ctx, o, work)
	}
	if o.files > 0 {
		fmt.Printf("%s, %d files with a tag each\n\n", machine(), o.files)
		return files(ctx, o, work)
	}
	var registry *testground.Registry
	what := o.image
	if o.image == "" {
		if registry, what, err = serveBigImage(ctx, work); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, registry.Close()) }()
		o.image = registry.Ref(bigImageName)
	}
	fmt.Printf("%s\n%s\n\n", machine(), what)
	commands := []command{scan(o, "--no-cache")}
	for _, p := range peers(ctx) {
		commands = append(commands, p(o.image))
	}
	if err := compare(ctx, o.rounds, commands); err != nil {
		return err
	}
	if err := secondScan(ctx, o, registry, filepath.Join(work, "cache")); err != nil {
		return err
	}
	return startUp(ctx, o)
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

// build builds intact as a release is built.
func build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "intact")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=urfave_cli_no_docs,grpcnotrace", "-ldflags=-s -w", "-o", bin,
		"github.com/intact-dev/intact/cmd/intact")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build intact: %w", err)
	}
	return bin, nil
}

const bigImageName = "debian/tools:1.0.0"

func serveBigImage(ctx context.Context, work string) (*testground.Registry, string, error) {
	layout, err := testground.BigImage(ctx)
	if err != nil {
		return nil, "", err
	}
	what, err := describe(layout)
	if err != nil {
		return nil, "", err
	}
	registry, err := testground.StartRegistry(ctx, work)
	if err != nil {
		return nil, "", err
	}
	if err := testground.Push(ctx, layout, testground.BigImageTag, registry.Ref(bigImageName)); err != nil {
		return nil, "", errors.Join(err, registry.Close())
	}
	return registry, what, nil
}
