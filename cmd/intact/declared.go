package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gitfiles"
	"github.com/intact-dev/intact/pkg/lock"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

// declared reads what the files declare that -f names, and what their locks have
// recorded.
func (s *scanSetup) declared(ctx context.Context, c *cli.Context) error {
	if !c.Bool("file") {
		return nil
	}
	paths := c.Args().Slice()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	made, err := openRendered(c.StringSlice("rendered"))
	if err != nil {
		return err
	}
	defer closeFiles(made.trees)
	rev := c.String("changed-since")
	if rev == "" {
		paths = append(paths, c.StringSlice("rendered")...)
	}
	trees, err := openFiles(paths, s.p.stdin)
	if err != nil {
		return err
	}
	defer closeFiles(trees)
	fromGit := 0
	if rev != "" { // what is rendered is rarely committed
		fromGit = len(trees)
		trees = append(trees, made.trees...)
	}
	var locks histories
	for i, t := range trees {
		var tree *extract.Tree
		var counts []observe.Count
		if i >= fromGit {
			tree, err = t.walk(ctx, s.options.Jobs)
		} else {
			tree, counts, err = s.changed(ctx, t, rev)
		}
		if err != nil {
			return err
		}
		made.settle(t, tree)
		if len(tree.Found)+len(tree.Problems)+len(tree.Unread) == 0 && i >= fromGit {
			s.notices.add(fmt.Sprintf("nothing in %s names an image: check the path if something there should", t.name))
		}
		if n := len(tree.Unread); n > 0 {
			some := tree.Unread[:min(n, 3)]
			for i := range some {
				some[i] = t.display(some[i])
			}
			s.notices.add(fmt.Sprintf("%d of the named files are of no kind that is read, such as %s", n, strings.Join(some, ", ")))
		}
		for _, n := range imageNotices(t, tree) {
			s.notices.add(n)
		}
		locks.add(t)
		s.options.Files = append(s.options.Files, scan.Files{
			Name: t.name, Found: tree.Found, Objects: tree.Objects, Problems: tree.Problems, Counts: append(countsOf(tree), counts...),
			Place: scan.Place{Source: s.reach.registry, Prober: s.reach.registry, Referrer: s.reach.registry},
		})
	}
	if n := made.notice(); n != "" {
		s.notices.add(n)
	}
	if len(locks) > 0 {
		s.options.TagHistory = locks.of
	}
	return nil
}

// changed extracts what the commits since rev touched, from Git, and says in
// which repository. It makes t read what HEAD has.
func (s *scanSetup) changed(ctx context.Context, t *fileTree, rev string) (*extract.Tree, []observe.Count, error) {
	if t.root == nil {
		return nil, nil, usage(errors.New("standard input with --changed-since"), "standard input has no history: leave one of them out")
	}
	g, err := gitfiles.Open(ctx, t.dir, rev)
	if err != nil {
		var e *gitfiles.Error
		if errors.As(err, &e) {
			return nil, nil, usage(err, e.Hint)
		}
		return nil, nil, err
	}
	s.closers = append(s.closers, g.Close)
	r, err := g.Read(ctx, t.starts, func(fsys fs.FS) (extract.Options, error) {
		repo, err := loadRepository(fsys)
		if err != nil {
			return extract.Options{}, err
		}
		return extract.Options{Extractors: extractors(repo, t.folder()), Excludes: repo.Exclude, Jobs: s.options.Jobs}, nil
	})
	if err != nil {
		return nil, nil, usage(err, "")
	}
	t.fsys = g.HeadFS()
	for _, n := range r.Notices {
		s.notices.add(strings.TrimPrefix(placeOf(n.Origin)+": "+n.Why, ": "))
	}
	return r.Touched, []observe.Count{{What: "not touched since " + rev, N: r.Declared - len(r.Touched.Found)}}, nil
}

func placeOf(o ref.Origin) string {
	if o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.Where, o.Line)
	}
	return o.Where
}

// countsOf says what was read and what was passed over.
func countsOf(t *extract.Tree) []observe.Count {
	out := []observe.Count{{What: "files", N: t.Files}, {What: "references", N: len(t.Found)}}
	off := 0
	for _, f := range t.Found {
		if f.Off {
			off++
		}
	}
	for _, c := range []observe.Count{
		{What: "switched-off references", N: off},
		{What: "other files", N: t.Passed.Other}, {What: "binary files", N: t.Passed.Binary},
		{What: "vendored folders", N: t.Passed.Vendored}, {What: "ignored paths", N: t.Passed.Ignored},
		{What: "excluded paths", N: t.Passed.Excluded}, {What: "unrendered images", N: len(t.Notices)},
	} {
		if c.N > 0 {
			out = append(out, c)
		}
	}
	return out
}

// maxPlaces is how many places one notice names.
const maxPlaces = 5

// imageNotices says of which images nothing is made, one notice for each reason.
func imageNotices(t *fileTree, tree *extract.Tree) []string {
	places := map[string][]string{}
	var order []string
	for _, n := range tree.Notices {
		if places[n.Why] == nil {
			order = append(order, n.Why)
		}
		n.Origin.Where = t.display(n.Origin.Where)
		places[n.Why] = append(places[n.Why], strings.TrimSpace(placeOf(n.Origin)+" "+n.Raw))
	}
	var out []string
	for _, why := range order {
		all := places[why]
		text := fmt.Sprintf("%s %s: %s", many(len(all), "image"), why, strings.Join(all[:min(len(all), maxPlaces)], ", "))
		if len(all) > maxPlaces {
			text += fmt.Sprintf(" and %d more", len(all)-maxPlaces)
		}
		out = append(out, text)
	}
	return out
}

// histories are the locks of several trees. One that cannot be read is unknown
// history, not none.
type histories []func(ref.Ref) fact.Value[fact.TagHistory]

func (h *histories) add(t *fileTree) {
	l, b, err := t.readLock()
	switch {
	case err != nil:
		why := lock.Name + " of " + t.name + " cannot be read: " + err.Error()
		*h = append(*h, func(ref.Ref) fact.Value[fact.TagHistory] {
			return fact.Missing[fact.TagHistory](fact.Unsupported, why)
		})
	case b != nil:
		*h = append(*h, l.History)
	}
}

func (h histories) of(r ref.Ref) fact.Value[fact.TagHistory] {
	out := fact.None[fact.TagHistory]()
	for _, history := range h {
		switch v := history(r); v.State {
		case fact.Known:
			return v
		case fact.Unknown:
			out = v
		}
	}
	return out
}

// baseline reads the earlier report that --baseline names.
func (s *scanSetup) readBaseline(c *cli.Context) error {
	name := c.String("baseline")
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return usage(fmt.Errorf("open the baseline report: %w", err), "write one with: intact scan --format json="+name+" …")
	}
	defer func() { _ = f.Close() }()
	if s.baseline, err = report.ReadBaseline(f); err != nil {
		return usage(fmt.Errorf("%s: %w", name, err), "a baseline is a report of --format json")
	}
	s.options.Known = s.baseline.Known
	return nil
}
