package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// A command is one process to measure. It must end with one of the exit codes
// in ok: a command that could not do its work is not measured.
type command struct {
	name string
	args []string
	env  []string
	ok   []int
}

// scan is `intact scan`. Denied is a result like allowed; undecided is not,
// since then something was left out.
func scan(o options, flags ...string) command {
	args := append([]string{o.intact, "scan", "--quiet"}, flags...)
	return command{name: "intact scan", args: append(args, o.image), ok: []int{0, 1}}
}

// peers are the commands to compare with on the same image; what does not
// install is left out.
func peers(ctx context.Context) []func(image string) command {
	var found []func(string) command
	if bin, err := testground.Crane.Install(ctx); err != nil {
		skipped("crane", err)
	} else {
		found = append(found, func(image string) command {
			return command{name: "crane validate", args: []string{bin, "validate", "--remote", image}, ok: []int{0}}
		})
	}
	if bin, err := testground.Syft.Install(ctx); err != nil {
		skipped("syft", err)
	} else {
		found = append(found, func(image string) command {
			return command{name: "syft scan", args: []string{bin, "scan", "--quiet", "--output", "syft-json", "registry:" + image},
				env: []string{"SYFT_CHECK_FOR_APP_UPDATE=false", "SYFT_REGISTRY_INSECURE_USE_HTTP=true"}, ok: []int{0}}
		})
	}
	return found
}

func skipped(peer string, err error) {
	fmt.Fprintf(os.Stderr, "bench: %s is left out: %v\n", peer, err)
}

// compare measures our command, the first, and its peers in turn, so that a
// machine whose speed drifts slows all of them.
func compare(ctx context.Context, rounds int, commands []command) error {
	samples := make([][]sample, len(commands))
	for round := range rounds + 1 {
		for i, c := range commands {
			s, err := c.measure(ctx)
			if err != nil {
				return err
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	w := table()
	for i, c := range commands {
		rows(w, c.name, samples[i])
	}
	for i, c := range commands[1:] {
		ratioRows(w, "intact / "+c.name, samples[0], samples[i+1])
	}
	return w.Flush()
}

// secondScan measures scans of an image whose facts are in the cache.
func secondScan(ctx context.Context, o options, registry *testground.Registry, cache string) error {
	c := scan(o, "--cache-dir", cache)
	if _, err := c.measure(ctx); err != nil {
		return err
	}
	var samples []sample
	var requests []testground.Request
	for range o.rounds {
		var err error
		if registry != nil {
			if _, err = registry.Requests(ctx); err != nil {
				return err
			}
		}
		s, err := c.measure(ctx)
		if err != nil {
			return err
		}
		samples = append(samples, s)
		if registry != nil {
			if requests, err = registry.Requests(ctx); err != nil {
				return err
			}
		}
	}
	fmt.Println()
	w := table()
	rows(w, "second scan", samples)
	if err := w.Flush(); err != nil {
		return err
	}
	if registry != nil {
		fmt.Printf("its requests: %d\n", len(requests))
	}
	for _, r := range requests {
		fmt.Printf("  %s %s %d\n", r.Method, r.Path, r.Status)
	}
	return nil
}

// startUp measures a run that does nothing; it is short, so it is run more often.
func startUp(ctx context.Context, o options) error {
	c := command{name: "intact version", args: []string{o.intact, "version"}, ok: []int{0}}
	var samples []sample
	for range 5*o.rounds + 1 {
		s, err := c.measure(ctx)
		if err != nil {
			return err
		}
		samples = append(samples, s)
	}
	fmt.Println()
	w := table()
	rows(w, c.name, samples[1:])
	return w.Flush()
}

// table has a first column for names and one for each figure.
func table() *tabwriter.Writer {
	w := tabwriter.NewWriter(os.Stdout, 12, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\t\tmin\tmedian\tmax\t")
	return w
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

func mebibytes(n int64) string {
	if n == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}

// rows prints the three figures of one command.
func rows(w *tabwriter.Writer, name string, samples []sample) {
	row(w, name, "wall", spread(samples, func(s sample) time.Duration { return s.wall }), seconds)
	row(w, "", "CPU", spread(samples, func(s sample) time.Duration { return s.cpu }), seconds)
	row(w, "", "peak memory", spread(samples, func(s sample) int64 { return s.peak }), mebibytes)
}

// ratioRows print how much of the peer's time a command took, round by round.
// The ratio of CPU time says more on a machine that does other work too.
func ratioRows(w *tabwriter.Writer, name string, ours, theirs []sample) {
	ratios := func(figure func(sample) time.Duration) [3]float64 {
		values := make([]float64, len(ours))
		for i := range ours {
			values[i] = figure(ours[i]).Seconds() / figure(theirs[i]).Seconds()
		}
		return spreadOf(values)
	}
	text := func(r float64) string { return fmt.Sprintf("%.3f", r) }
	row(w, name, "wall", ratios(func(s sample) time.Duration { return s.wall }), text)
	row(w, "", "CPU", ratios(func(s sample) time.Duration { return s.cpu }), text)
}

func row[T any](w *tabwriter.Writer, name, figure string, s [3]T, text func(T) string) {
	cells := []string{name, figure, text(s[0]), text(s[1]), text(s[2])}
	fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
}
