package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/lock"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/urfave/cli/v2"
)

func lockCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "lock",
		Usage:     "record what the tags in files mean",
		UsageText: "intact lock [flags] [PATH...]",
		Description: `PATH is a file or a folder; the current folder if none is given. It writes
intact.lock, in the root of the Git repository that the paths are in, or else in
the folder: one line for each tag that a file names, with its digest and those of
its platforms. Commit it: a change of it is a change of what runs.

What has a line keeps it, until --update asks what the tag means now. Lines that
no file needs go, if the whole repository is read. References with a digest need
no line.

Examples:
  intact lock
  intact lock --update
  intact lock --check          in CI: is every tag in the lock?

Exit status: 0 done, or nothing to do; 1 with --check, if the lock would change;
2 usage or configuration; 3 not everything was done: what is left is listed.`,
		Flags: append([]cli.Flag{
			boolean("update", "ask again for tags that have a line"),
			boolean("check", "write nothing, and exit 1 if the lock would change"),
			str("policy", "`NAME` of an embedded policy or a policy file, for the classes of tags", "baseline"),
		}, reachFlags()...),
		Action: func(c *cli.Context) error { return runLock(c.Context, p, c) },
	}
}

func runLock(ctx context.Context, p program, c *cli.Context) error {
	ctx, cancel := limited(ctx, c)
	defer cancel()
	jobs, err := jobsOf(c)
	if err != nil {
		return err
	}
	pol, err := loadPolicy(c)
	if err != nil {
		return err
	}
	w, err := openWriter(p, c)
	if err != nil {
		return err
	}
	defer w.close()
	tags, err := w.tagReader(c, true)
	if err != nil {
		return err
	}
	resolver := locked{tagReader: tags, policy: pol, today: time.Now().UTC().Truncate(24 * time.Hour)}
	for _, t := range w.trees {
		tree, err := t.walk(ctx, jobs)
		if err == nil {
			err = w.lock(ctx, c, t, tree, lock.Options{Resolver: resolver, Update: c.Bool("update"), Jobs: jobs})
		}
		if err != nil {
			if ctx.Err() != nil {
				return w.stopped(c, ctx.Err())
			}
			return err
		}
	}
	return w.end(c)
}

// readLock reads the lock of a tree. b is nil if there is none.
func (t *fileTree) readLock() (l *lock.Lock, b []byte, err error) {
	b, err = extract.ReadFile(t.fsys, lock.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &lock.Lock{}, nil, nil
	case err != nil:
		return nil, nil, usage(err, "")
	}
	if l, err = lock.Parse(b); err != nil {
		return nil, nil, usage(fmt.Errorf("%s: %w", filepath.ToSlash(filepath.Join(t.dir, lock.Name)), err),
			"take the file as it was from Git, or delete it and run intact lock: then what tags were before is not known any more")
	}
	return l, b, nil
}

// lock brings the lock of one tree up to date.
func (w *writer) lock(ctx context.Context, c *cli.Context, t *fileTree, tree *extract.Tree, o lock.Options) error {
	l, old, err := t.readLock()
	if err != nil {
		return err
	}
	// What could not be read may name anything.
	o.Drop = slices.Contains(t.starts, ".") && len(tree.Problems) == 0
	charts, found := apart(tree.Found)
	changes, err := l.Bring(ctx, found, o)
	if err != nil {
		return err
	}
	name := t.display(lock.Name)
	if len(changes.Lines) > 0 {
		w.differs = true
		if !c.Bool("check") {
			if err := l.Write(t.root, old); err != nil {
				w.undone = true
				w.p.say("error", "%s", err)
				return nil
			}
		}
	}
	var added, moved, gone int
	for _, line := range changes.Lines {
		switch {
		case line.From.Digest == "":
			added++
			w.tell("added      %s %s", line.Ref, line.To.Digest)
		case line.To.Digest == "":
			gone++
			w.tell("dropped    %s %s", line.Ref, line.From.Digest)
		case line.From.Digest == line.To.Digest:
			w.tell("details    %s %s", line.Ref, line.To.Digest)
		default:
			moved++
			w.tell("moved      %s %s", line.Ref, line.To.Digest)
			w.tell("           was %s since %s", line.From.Digest, line.From.Since.Format(time.DateOnly))
		}
	}
	w.problems(t, tree)
	for i := range charts {
		w.tell("note       %s: %q: a chart that is not rendered here: no line is for its images", t.place(&charts[i]), charts[i].Raw)
	}
	for _, x := range changes.Left {
		w.undone = true
		w.tell("left       %s: %q: %s", t.place(&x.Found), x.Found.Raw, x.Why)
	}
	parts := []string{many(len(l.Entries()), "tag"), fmt.Sprintf("%d added", added), fmt.Sprintf("%d moved", moved), fmt.Sprintf("%d dropped", gone)}
	for _, part := range []struct {
		n    int
		what string
	}{{len(charts), "not rendered"}, {changes.Pinned, "with a digest"}, {changes.Others, "in no registry"}, {len(changes.Left), "left"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if c.Bool("check") && len(changes.Lines) > 0 {
		parts = append(parts, "nothing written")
	}
	w.tell("%s: %s", name, strings.Join(parts, ", "))
	return nil
}

// apart takes the charts that are elsewhere out of what is found: they have no
// tags here.
func apart(all []extract.Found) (charts, found []extract.Found) {
	for _, f := range all {
		if f.Kind == ref.KindArtifact && f.Chart.Path != "" && f.Unresolved != "" {
			charts = append(charts, f)
			continue
		}
		found = append(found, f)
	}
	return charts, found
}
