package main

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
)

const pinExit = `Exit status: 0 done, or nothing to do; 1 with --check, if something would change;
2 usage or configuration; 3 not everything was done: what is left is listed.`

func pinCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "pin",
		Usage:     "write digests into the files that name images",
		UsageText: "intact pin [flags] [PATH...]",
		Description: `PATH is a file or a folder; the current folder if none is given. A tag stays where
it is, and the digest of what it means now goes behind it: nginx:1.27.3@sha256:…
Nothing else of a file changes. What has a digest already is left alone, unless
--update moves it to what the tag beside it means now, and says what changed.

Examples:
  intact pin
  intact pin --dry-run deploy/ | git apply
  intact pin --check deploy/ Dockerfile       in CI, or before a commit
  intact pin --update deploy/

` + pinExit,
		Flags: append([]cli.Flag{
			boolean("update", "move digests to what the tags beside them mean now, and say what changed in the images"),
			str("platform", "write the digest of the image for `PLATFORM`, os/arch[/variant], instead of the index's", ""),
			boolean("dry-run", "write a patch to standard output and change no file"),
			boolean("check", "change no file, and exit 1 if one would change"),
		}, reachFlags()...),
		Action: func(c *cli.Context) error {
			mode := pin.Add
			if c.Bool("update") {
				mode = pin.Update
			}
			return runPin(c.Context, p, c, mode)
		},
	}
}

func unpinCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "unpin",
		Usage:     "take digests out of the files that name images",
		UsageText: "intact unpin [flags] [PATH...]",
		Description: `PATH is a file or a folder; the current folder if none is given. The digest goes
where a tag is beside it. A reference with a digest alone stays as it is: without
it, it would name something else. No registry is asked.

Examples:
  intact unpin deploy/
  intact unpin --dry-run Dockerfile

` + pinExit,
		Flags: []cli.Flag{
			boolean("dry-run", "write a patch to standard output and change no file"),
			boolean("check", "change no file, and exit 1 if one would change"),
			integer("jobs", "`NUMBER` of files that are read at once", 0),
		},
		Action: func(c *cli.Context) error { return runPin(c.Context, p, c, pin.Remove) },
	}
}

// A pinRun is one run of pin or unpin.
type pinRun struct {
	*writer
	c    *cli.Context
	mode pin.Mode
	jobs int
	tags *tagReader // nil for unpin

	changed, files, kept, left, notes int
	shown                             map[string]bool // differences
}

func runPin(ctx context.Context, p program, c *cli.Context, mode pin.Mode) error {
	ctx, cancel := limited(ctx, c)
	defer cancel()
	jobs, err := jobsOf(c)
	if err != nil {
		return err
	}
	w, err := openWriter(p, c)
	if err != nil {
		return err
	}
	defer w.close()
	r := &pinRun{writer: w, c: c, mode: mode, jobs: jobs, shown: map[string]bool{}}
	resolver, err := r.resolver()
	if err != nil {
		return err
	}
	for _, t := range w.trees {
		if err := r.tree(ctx, t, resolver); err != nil {
			return err
		}
	}
	r.summary()
	return w.end(c)
}

func (r *pinRun) resolver() (pin.Resolver, error) {
	if r.mode == pin.Remove {
		return nil, nil
	}
	text := r.c.String("platform")
	tags, err := r.tagReader(r.c, text != "")
	if err != nil {
		return nil, err
	}
	r.tags = tags
	if text == "" {
		return indexes{tags}, nil
	}
	platform, err := ref.ParsePlatform(text)
	if err != nil {
		return nil, usage(err, "one platform, for example --platform linux/amd64")
	}
	return children{tags, platform}, nil
}

// tree plans and writes the changes of one place.
func (r *pinRun) tree(ctx context.Context, t *fileTree, resolver pin.Resolver) error {
	tree, err := t.walk(ctx, r.jobs)
	if err != nil {
		if ctx.Err() != nil {
			return r.stopped(r.c, ctx.Err())
		}
		return err
	}
	plan, err := pin.Make(ctx, t.fsys, tree, pin.Options{
		Mode: r.mode, Resolver: resolver, Jobs: r.c.Int("jobs"),
		Walk: func(ctx context.Context, fsys fs.FS) (*extract.Tree, error) {
			again := *t
			again.fsys = fsys
			return again.walk(ctx, r.jobs)
		},
		Real: func(name string) (string, error) { return pin.Real(t.root, name) },
	})
	if err != nil {
		return r.stopped(r.c, err)
	}
	r.kept += plan.Kept
	r.write(ctx, t, plan)
	if ctx.Err() != nil {
		return r.stopped(r.c, ctx.Err())
	}
	if r.mode == pin.Update {
		r.differences(ctx, plan)
	}
	r.problems(t, tree)
	for _, l := range plan.Left {
		kind := "left"
		if l.Note {
			kind = "note"
			r.notes++
		} else {
			r.left++
			r.undone = true
		}
		r.tell("%-10s %s: %q: %s", kind, t.place(&l.Found), l.Found.Raw, l.Why)
	}
	return nil
}

// write writes the files of a plan, several at once since each is waited for
// until it is on the disk, and tells what became of them.
func (r *pinRun) write(ctx context.Context, t *fileTree, plan *pin.Plan) {
	errs := make([]error, len(plan.Files))
	if !r.c.Bool("dry-run") && !r.c.Bool("check") {
		var g errgroup.Group
		g.SetLimit(r.jobs)
		for i := range plan.Files {
			g.Go(func() error {
				if errs[i] = ctx.Err(); errs[i] == nil {
					errs[i] = plan.Files[i].Write(t.root)
				}
				return nil
			})
		}
		_ = g.Wait() // each has an error of its own
	}
	for i := range plan.Files {
		r.differs = true
		if errs[i] != nil {
			r.undone = true
			r.left += len(plan.Files[i].Changes)
			r.p.say("error", "%s", errs[i])
			continue
		}
		r.file(t, &plan.Files[i])
	}
}

// file tells what changed in one file, or would.
func (r *pinRun) file(t *fileTree, f *pin.File) {
	if r.c.Bool("dry-run") {
		if err := writeDiff(&r.patch, t.diffName(f.Name), f.Old, f.New, isTerminal(r.p.stdout)); err != nil {
			r.undone = true
			r.p.say("error", "%s", err)
		}
	}
	r.files++
	for _, c := range f.Changes {
		r.changed += len(c.Found)
		for i := range c.Found {
			r.change(t, &c.Found[i], c)
		}
	}
}

func (r *pinRun) change(t *fileTree, f *extract.Found, c pin.Change) {
	switch {
	case r.mode == pin.Remove:
		r.tell("unpinned   %s: %s", t.place(f), c.To)
	case c.From.Digest != "":
		r.tell("moved      %s: %s", t.place(f), c.To)
		r.tell("           was %s", c.From.Digest)
	default:
		r.tell("pinned     %s: %s", t.place(f), c.To)
	}
}

// differences tells what changed in the images whose digest moves, each once.
func (r *pinRun) differences(ctx context.Context, plan *pin.Plan) {
	for _, f := range plan.Files {
		for _, c := range f.Changes {
			from, to := c.From.WithDigest(c.From.Digest), c.To.WithDigest(c.To.Digest)
			key := from.String() + " " + to.String()
			if from.Digest == "" || r.shown[key] {
				continue
			}
			r.shown[key] = true
			r.tell("")
			r.tell("%s:%s from %s to %s", from.Canonical(), c.To.Tag, from.Digest, to.Digest)
			a, err := r.tags.read(ctx, from)
			if err != nil {
				r.tell("  what changed cannot be told: %s", err)
				continue
			}
			b, err := r.tags.read(ctx, to)
			if err != nil {
				r.tell("  what changed cannot be told: %s", err)
				continue
			}
			for _, d := range pin.Differences(a, b) {
				if d.Platform != "" {
					r.tell("  %s", d.Platform)
				}
				for _, line := range d.Lines {
					r.tell("    %s", line)
				}
			}
		}
	}
}

func (r *pinRun) summary() {
	if r.changed+r.kept+r.left+r.notes == 0 {
		r.tell("0 references found")
		return
	}
	verb := map[pin.Mode]string{pin.Add: "pinned", pin.Update: "pinned or moved", pin.Remove: "unpinned"}[r.mode]
	if r.c.Bool("dry-run") || r.c.Bool("check") {
		verb = "would be " + verb
	}
	parts := []string{fmt.Sprintf("%s in %s %s", many(r.changed, "reference"), many(r.files, "file"), verb), fmt.Sprintf("%d as they should be", r.kept)}
	if r.left > 0 {
		parts = append(parts, fmt.Sprintf("%d left", r.left))
	}
	if r.notes > 0 {
		parts = append(parts, many(r.notes, "note"))
	}
	r.tell("%s", strings.Join(parts, ", "))
}
