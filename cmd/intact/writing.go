package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/urfave/cli/v2"
)

// reachFlags are the flags of scan that say how registries are reached.
func reachFlags() []cli.Flag {
	names := []string{"config", "plain-http", "allow-redirect", "offline", "timeout", "deadline", "jobs", "quiet"}
	var out []cli.Flag
	for _, f := range imageFlags() {
		if slices.Contains(names, f.Names()[0]) {
			out = append(out, f)
		}
	}
	return out
}

// A writer is what the commands that write files have in common.
type writer struct {
	p        program
	notices  notices
	progress *progress
	trees    []*fileTree
	told     bytes.Buffer // what is told at the end
	patch    bytes.Buffer // of --dry-run
	undone   bool         // something was not examined or not written
	differs  bool         // something would change
}

// openWriter opens the paths that are named, the current folder if none is.
func openWriter(p program, c *cli.Context) (*writer, error) {
	paths := c.Args().Slice()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if slices.Contains(paths, "-") {
		return nil, usage(fmt.Errorf("%s cannot read standard input: it writes files", c.Command.Name), "name files and folders")
	}
	w := &writer{p: p, progress: newProgress(p.stderr, isTerminal(p.stderr) && !c.Bool("quiet"))}
	var err error
	if w.trees, err = openFiles(paths, p.stdin); err != nil {
		w.progress.Stop()
		return nil, err
	}
	return w, nil
}

func (w *writer) close() {
	w.progress.Stop() // again, where an error came before the end
	closeFiles(w.trees)
}

// tell adds one line to the result.
func (w *writer) tell(format string, args ...any) {
	_, _ = fmt.Fprintln(&w.told, escape(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
}

// limited gives ctx the end that --deadline sets.
func limited(ctx context.Context, c *cli.Context) (context.Context, context.CancelFunc) {
	if d := c.Duration("deadline"); d > 0 {
		return context.WithTimeout(ctx, d)
	}
	return context.WithCancel(ctx)
}

// tagReader reads what tags mean, as the flags say.
func (w *writer) tagReader(c *cli.Context, whole bool) (*tagReader, error) {
	r, err := newReach(w.p, c, nil, &w.notices)
	if err != nil {
		return nil, err
	}
	t := &tagReader{source: r.registry, timeout: c.Duration("timeout"), whole: whole, told: func(n int) { w.progress.told("tags", n, 0) }}
	if t.timeout <= 0 {
		t.timeout = resolveTimeout
	}
	return t, nil
}

func jobsOf(c *cli.Context) (int, error) {
	switch jobs := c.Int("jobs"); {
	case jobs < 0:
		return 0, usage(fmt.Errorf("--jobs is %d", jobs), "give a number from 1, or leave it out")
	case jobs > 0:
		return jobs, nil
	}
	return min(4, max(2, runtime.NumCPU())), nil
}

// problems tells what of the files could not be read.
func (w *writer) problems(t *fileTree, tree *extract.Tree) {
	for _, x := range tree.Problems {
		w.undone = true
		where := t.display(x.Origin.Where)
		if x.Origin.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d", where, x.Origin.Line, x.Origin.Column)
		}
		w.tell("not read   %s: %s", where, x.Why)
	}
}

// place is where f is written, as it can be opened.
func (t *fileTree) place(f *extract.Found) string {
	return fmt.Sprintf("%s:%d:%d", t.display(f.Origin.Where), f.Origin.Line, f.Origin.Column)
}

// stopped says why a run ended before it was through: nothing was written after
// that.
func (w *writer) stopped(c *cli.Context, err error) error {
	if err := w.flush(c); err != nil {
		return err
	}
	hint := ""
	if errors.Is(err, context.DeadlineExceeded) {
		hint = "give it more time: --deadline"
	}
	return &exitError{code: exitUndecided, cause: fmt.Errorf("stopped: %w", err), hint: hint}
}

// flush writes the result: to standard output, unless that is for a patch.
func (w *writer) flush(c *cli.Context) error {
	w.progress.Stop()
	out := w.p.stdout
	if c.Bool("dry-run") {
		out = w.p.stderr
		if _, err := w.patch.WriteTo(w.p.stdout); err != nil {
			return usage(fmt.Errorf("write the patch: %w", err), "")
		}
	}
	if _, err := w.told.WriteTo(out); err != nil {
		return usage(fmt.Errorf("write the result: %w", err), "")
	}
	return nil
}

// end is the exit code of what was done.
func (w *writer) end(c *cli.Context) error {
	if err := w.flush(c); err != nil {
		return err
	}
	for _, n := range w.notices.list() {
		w.p.say("warning", "%s", n)
	}
	switch {
	case w.differs && c.Bool("check"):
		return &exitError{code: exitDenied}
	case w.undone:
		return &exitError{code: exitUndecided}
	}
	return nil
}

// many is a number of things.
func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
