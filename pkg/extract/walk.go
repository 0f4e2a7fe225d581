package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// Options say how to walk.
type Options struct {
	// Extractors are asked in this order. What one claims the later ones need not
	// read, so those that put several files together come first.
	Extractors []Extractor
	// Excludes are patterns of .gitignore's grammar for what is left out.
	Excludes []string
	// Tracked says that Git has every file of the tree, as in a commit: then
	// .gitignore names nothing.
	Tracked bool
	// Jobs bounds the files that are read at once; 0 = 2.
	Jobs int
}

// Passed counts files that were not read, by reason.
type Passed struct {
	Other    int // of no kind that is known
	Binary   int
	Vendored int // folders, such as node_modules
	Ignored  int // files and folders that .gitignore names and Git does not track
	Excluded int // files and folders that the excludes name
}

// Vendored are folders whose content is somebody else's.
func vendored(name string) bool {
	switch name {
	case ".hg", ".svn", "node_modules", "vendor", ".terraform", ".venv", "__pycache__":
		return true
	}
	return false
}

// Walk reads what lies below each start, a path in fsys with slashes; "." is
// all. A start is read though it is excluded or ignored, as a whole. What
// cannot be read is a Problem. The error means that a start is not there, or
// that ctx ended.
func Walk(ctx context.Context, fsys fs.FS, starts []string, o Options) (*Tree, error) {
	w := &walker{fsys: fsys, options: o, tree: &Tree{}, seen: map[string]bool{}, byName: map[string]bool{}}
	w.ignore = newIgnores(fsys, o.Excludes)
	w.ignore.none = o.Tracked
	for _, start := range starts {
		w.starts = append(w.starts, path.Clean(start))
	}
	for _, start := range w.starts {
		info, err := fs.Stat(fsys, start)
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", start, cause(err))
		}
		if !info.IsDir() {
			w.named(start)
			continue
		}
		w.ignore.named = append(w.ignore.named, start)
		if err := w.dir(ctx, start); err != nil {
			return nil, err
		}
	}
	if err := w.match(ctx); err != nil {
		return nil, err
	}
	if err := w.extract(ctx); err != nil {
		return nil, err
	}
	w.tree.settle()
	return w.tree, nil
}

// named is file for what somebody named.
func (w *walker) named(p string) {
	if !w.seen[p] {
		w.file(p)
		w.byName[p] = true
	}
}

// imageKey is a key that has an image wherever a file has one, or a build's first
// line.
var imageKey = lazy.Regexp(`(?m)^[ \t]*(?:- )?[ \t]*["']?[iI]mage["']?[ \t]*[:=]|["']image["'][ \t]*:|^[ \t]*FROM[ \t]`)

// unread is a file that somebody named and no extractor wants. Hooks name every
// file of a commit, so that most of them rightly say nothing.
func (w *walker) unread(p string) {
	switch b, err := ReadFile(w.fsys, p); {
	case err != nil:
		w.problem(p, fact.Limit, cause(err).Error())
	case imageKey().Match(b):
		w.problem(p, fact.Unsupported, "it was named and seems to name an image, and it is of no kind that is read")
	default:
		w.tree.Unread = append(w.tree.Unread, p)
	}
}

// cause is what is wrong with a path, without the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

type walker struct {
	fsys    fs.FS
	starts  []string // cleaned
	options Options
	ignore  *ignores
	tree    *Tree
	seen    map[string]bool
	byName  map[string]bool // of seen, what somebody named
	matched []match
}

func (w *walker) dir(ctx context.Context, start string) error {
	return fs.WalkDir(w.fsys, start, func(p string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			w.problem(p, fact.Forbidden, cause(err).Error())
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return w.enter(p, d, start)
		case w.ignore.excluded(p, false):
			w.tree.Passed.Excluded++
		case w.ignore.ignored(p, false):
			w.tree.Passed.Ignored++
		case d.Type()&fs.ModeSymlink != 0:
			w.link(p)
		case !d.Type().IsRegular():
			w.tree.Passed.Other++ // a socket, a device: no file of a repository
		default:
			w.file(p)
		}
		return nil
	})
}

func (w *walker) enter(p string, d fs.DirEntry, start string) error {
	if p == start {
		w.ignore.read(p)
		return nil
	}
	switch {
	case d.Name() == ".git":
	case vendored(d.Name()):
		w.tree.Passed.Vendored++
	case w.ignore.excluded(p, true):
		w.tree.Passed.Excluded++
	case w.ignore.ignored(p, true):
		w.tree.Passed.Ignored++
	default:
		w.ignore.read(p)
		return nil
	}
	return fs.SkipDir
}

// link follows a symbolic link to a file of the tree. What it leads to outside
// is not read: that is no part of the repository.
func (w *walker) link(p string) {
	info, err := fs.Stat(w.fsys, p)
	switch {
	case err != nil:
		w.problem(p, fact.Blocked, "a symbolic link that leads out of the tree or nowhere: "+cause(err).Error())
	case info.Mode().IsRegular():
		w.file(p)
	case info.IsDir():
		w.folderLink(p)
	default:
		w.problem(p, fact.Unsupported, "a symbolic link to what is no file")
	}
}

// folderLink passes over a link to a folder: its files are read where they are, if
// that is below a start.
func (w *walker) folderLink(p string) {
	w.tree.Passed.Other++
	target, err := fs.ReadLink(w.fsys, p)
	to := path.Join(path.Dir(p), target)
	if err != nil || path.IsAbs(target) || !slices.ContainsFunc(w.starts, func(start string) bool {
		return start == "." || to == start || strings.HasPrefix(to, start+"/")
	}) {
		w.problem(p, fact.Blocked, "a symbolic link to a folder that is not among those that are read: name that folder, too")
	}
}

// file adds the file at p to those that the extractors are asked about.
func (w *walker) file(p string) {
	if !w.seen[p] {
		w.seen[p] = true
		w.matched = append(w.matched, match{path: p})
	}
}

// extract runs the extractors one after the other, each on all its files at
// once: what the first ones claim is left to them.
func (w *walker) extract(ctx context.Context) error {
	claimed := map[string]bool{}
	read := map[string]bool{}
	for i, e := range w.options.Extractors {
		var paths []string
		for _, m := range w.matched {
			if slices.Contains(m.by, i) && !claimed[m.path] {
				paths = append(paths, m.path)
			}
		}
		results, err := w.run(ctx, e, paths)
		if err != nil {
			return err
		}
		// An overlay claims the base that it is made of, so the base does not stand
		// for itself. Two that claim each other both stand.
		own := map[string]bool{}
		for j, r := range results {
			for _, c := range r.Claims {
				own[c] = own[c] || c != paths[j] && !claims(results, paths, c, paths[j])
			}
		}
		for j, r := range results {
			read[paths[j]] = true
			if own[paths[j]] {
				continue
			}
			w.tree.Found = append(w.tree.Found, r.Found...)
			w.tree.Objects = append(w.tree.Objects, r.Objects...)
			w.tree.Problems = append(w.tree.Problems, r.Problems...)
			w.tree.Notices = append(w.tree.Notices, r.Notices...)
			for _, c := range r.Claims {
				claimed[c], read[c] = true, true
			}
		}
	}
	w.tree.Files = len(read)
	return nil
}

// claims reports whether the file at by claims the file at of.
func claims(results []Result, paths []string, by, of string) bool {
	i := slices.Index(paths, by)
	return i >= 0 && slices.Contains(results[i].Claims, of)
}

func (w *walker) run(ctx context.Context, e Extractor, paths []string) ([]Result, error) {
	results := make([]Result, len(paths))
	var g errgroup.Group
	g.SetLimit(max(2, w.options.Jobs))
	var mu sync.Mutex
	for i, p := range paths {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r, problem := w.one(e, p)
			mu.Lock()
			defer mu.Unlock()
			results[i] = r
			if problem != nil {
				w.tree.Problems = append(w.tree.Problems, *problem)
			}
			return nil
		})
	}
	return results, g.Wait()
}

// one runs e on one file. A panic is a fault of ours, and one file's.
func (w *walker) one(e Extractor, p string) (r Result, problem *Problem) {
	defer func() {
		if v := recover(); v != nil {
			r, problem = Result{}, &Problem{Origin: fileOrigin(p), Cause: fact.Internal, Why: fmt.Sprintf("the extractor panicked: %v", v)}
		}
	}()
	r, err := e.Extract(w.fsys, p)
	if err == nil {
		return r, nil
	}
	at := fileOrigin(p)
	c := fact.Unsupported
	var limit *limits.ExceededError
	var position *PositionError
	switch {
	case errors.As(err, &limit):
		c = fact.Limit
	case errors.As(err, &position):
		at.Line, at.Column = position.Line, position.Column
	}
	return r, &Problem{Origin: at, Cause: c, Why: err.Error()}
}

func fileOrigin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p} }

func (w *walker) problem(p string, c fact.Cause, why string) {
	w.tree.Problems = append(w.tree.Problems, Problem{Origin: fileOrigin(p), Cause: c, Why: why})
}
