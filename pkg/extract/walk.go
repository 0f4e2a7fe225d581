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
	"github.com/intact-dev/intact/pkg/ref"
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
	w := &walker{fsys: fsys, options: o, tree: &Tree{}, seen: map[string]bool{}, by: make([][]string, len(o.Extractors))}
	w.ignore = newIgnores(fsys, o.Excludes)
	w.ignore.none = o.Tracked
	for _, start := range starts {
		w.starts = append(w.starts, path.Clean(start))
	}
	asked := w.ask(ctx)
	err := w.find(ctx)
	close(w.found)
	if ended := asked(); err == nil {
		err = ended
	}
	if err != nil {
		return nil, err
	}
	if err := w.extract(ctx); err != nil {
		return nil, err
	}
	w.tree.settle()
	return w.tree, nil
}

// find finds the files below the starts.
func (w *walker) find(ctx context.Context) error {
	for _, start := range w.starts {
		info, err := fs.Stat(w.fsys, start)
		if err != nil {
			return fmt.Errorf("read %q: %w", start, cause(err))
		}
		switch {
		case info.Mode().IsRegular():
			w.named(start)
			continue
		case !info.IsDir(): // to open a pipe waits for whoever writes to it
			return fmt.Errorf("read %q: %w", start, errNoFile)
		}
		w.ignore.named = append(w.ignore.named, start)
		if err := w.dir(ctx, start); err != nil {
			return err
		}
	}
	return nil
}

var errNoFile = errors.New("it is neither a file nor a folder; what a command prints can be read from standard input: -f -")

// named is file for what somebody named.
func (w *walker) named(p string) {
	if !w.again(p) {
		w.found <- foundFile{path: p, named: true}
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
		w.mu.Lock()
		defer w.mu.Unlock()
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
	seen    map[string]bool
	found   chan foundFile // to be asked about

	mu     sync.Mutex
	tree   *Tree
	by     [][]string // the files that each extractor wants
	wanted int        // files
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
			w.other() // a socket, a device: no file of a repository
		default:
			w.file(p)
		}
		return nil
	})
}

func (w *walker) enter(p string, d fs.DirEntry, start string) error {
	if p == start {
		w.open(p)
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
		w.open(p)
		return nil
	}
	return fs.SkipDir
}

func (w *walker) open(dir string) {
	if w.ignore.left(dir) {
		w.problem(dir, fact.NotFound, "a submodule that is not checked out: its files were not read (git submodule update --init, or exclude it)")
	}
	w.ignore.read(dir)
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
// that is below a start and in no folder that is passed over for its name.
func (w *walker) folderLink(p string) {
	w.other()
	target, err := fs.ReadLink(w.fsys, p)
	to := path.Join(path.Dir(p), target)
	if err != nil || path.IsAbs(target) || !slices.ContainsFunc(w.starts, func(start string) bool { return walked(start, to) }) {
		w.problem(p, fact.Blocked, "a symbolic link to a folder that is not among those that are read: name that folder, too")
	}
}

// walked reports whether a walk from start comes to the folder at p.
func walked(start, p string) bool {
	rest := "/" + p
	if start != "." && p != start {
		var below bool
		if rest, below = strings.CutPrefix(p, start); !below || rest[0] != '/' {
			return false
		}
	} else if p == start {
		return true
	}
	for name := range strings.SplitSeq(rest[1:], "/") {
		if name == ".git" || vendored(name) {
			return false
		}
	}
	return true
}

func (w *walker) other() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tree.Passed.Other++
}

// file has the extractors asked about the file at p.
func (w *walker) file(p string) {
	if !w.again(p) {
		w.found <- foundFile{path: p}
	}
}

// again reports whether p was found before: only several starts lead to one file
// twice.
func (w *walker) again(p string) bool {
	if len(w.starts) == 1 {
		return false
	}
	was := w.seen[p]
	w.seen[p] = true
	return was
}

func fileOrigin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p} }

func (w *walker) problem(p string, c fact.Cause, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tree.Problems = append(w.tree.Problems, Problem{Origin: fileOrigin(p), Cause: c, Why: why})
}
