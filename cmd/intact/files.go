package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A fileTree is one place that paths on the command line lie in: a Git work tree,
// a folder outside of one, or standard input.
type fileTree struct {
	fsys   fs.FS
	root   *os.Root // of fsys; nil for standard input
	dir    string   // of root, absolute, with links followed
	from   string   // the current folder, likewise; "" = not known
	name   string   // what reports call it: what was given
	starts []string // where to read, from its root, with slashes; "." = everything
	repo   *config.Repository
}

// openFiles opens the places that paths lie in, each once. "-" is standard input,
// read with a limit. No link is followed out of a place. The caller closes the
// trees.
func openFiles(paths []string, stdin io.Reader) (trees []*fileTree, err error) {
	defer func() {
		if err != nil {
			closeFiles(trees)
		}
	}()
	var given []givenPath
	for _, p := range paths {
		if p == "-" {
			if slices.ContainsFunc(trees, func(t *fileTree) bool { return t.root == nil }) {
				return trees, usage(errors.New("standard input is named twice"), "give - once")
			}
			t, err := stdinTree(stdin)
			if err != nil {
				return trees, err
			}
			trees = append(trees, t)
			continue
		}
		g, err := resolvePath(p)
		if err != nil {
			return trees, err
		}
		given = append(given, g)
	}
	for i := range given {
		given[i].root = rootOf(given[i], given)
	}
	for _, g := range given {
		i := slices.IndexFunc(trees, func(t *fileTree) bool { return t.dir == g.root })
		if i < 0 {
			t, err := openTree(g.root)
			if err != nil {
				return trees, err
			}
			i = len(trees)
			trees = append(trees, t)
		}
		t := trees[i]
		start, err := filepath.Rel(g.root, g.path)
		if err != nil {
			return trees, usage(fmt.Errorf("open %q: %w", g.text, err), "")
		}
		if start = filepath.ToSlash(start); !slices.Contains(t.starts, start) {
			t.starts = append(t.starts, start)
			t.name = strings.TrimSpace(t.name + " " + g.text)
		}
	}
	return trees, nil
}

func closeFiles(trees []*fileTree) {
	for _, t := range trees {
		if t.root != nil {
			_ = t.root.Close()
		}
	}
}

// A givenPath is a path of the command line.
type givenPath struct {
	text string
	path string // absolute; links on the way are followed, a file that is one is not
	dir  bool
	root string // the tree that it is read in
}

func resolvePath(text string) (givenPath, error) {
	g := givenPath{text: text}
	fail := func(err error) (givenPath, error) {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return g, usage(fmt.Errorf("open %q: %w", text, err), "arguments are files and folders, or - for standard input")
	}
	abs, err := filepath.Abs(text)
	if err != nil {
		return fail(err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return fail(err)
	}
	if g.dir = info.IsDir(); g.dir {
		g.path, err = filepath.EvalSymlinks(abs)
	} else if g.path, err = filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		g.path = filepath.Join(g.path, filepath.Base(abs))
	}
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// rootOf returns the Git work tree that g lies in, else the folder itself or that
// of the file. What lies below another path that was given is read with that, so
// that nothing is read twice.
func rootOf(g givenPath, all []givenPath) string {
	outer := g
	for _, o := range all {
		if o.dir && len(o.path) < len(outer.path) && within(o.path, g.path) {
			outer = o
		}
	}
	own := outer.path
	if !outer.dir {
		own = filepath.Dir(own)
	}
	for dir := own; ; dir = filepath.Dir(dir) {
		// A folder in a clone, a file in a linked work tree or submodule.
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return own
		}
	}
}

// within reports whether p is dir or lies below it; both are clean and absolute.
func within(dir, p string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && filepath.IsLocal(rel)
}

func openTree(dir string) (*fileTree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, usage(fmt.Errorf("open folder: %w", err), "")
	}
	t := &fileTree{fsys: root.FS(), root: root, dir: dir, from: currentFolder()}
	if t.repo, err = loadRepository(t.fsys); err != nil {
		_ = root.Close()
		return nil, usage(err, "it may hold exclude, crds and helm, nothing else: docs/pinning.md")
	}
	return t, nil
}

// loadRepository reads what the repository says about its files, if anything.
func loadRepository(fsys fs.FS) (*config.Repository, error) {
	b, err := extract.ReadFile(fsys, config.RepositoryFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &config.Repository{}, nil
	case err != nil:
		return nil, err
	}
	return config.ParseRepository(config.RepositoryFile, b)
}

// folder is what the folder of t is called; "" for standard input.
func (t *fileTree) folder() string {
	if t.root == nil {
		return ""
	}
	return filepath.Base(t.dir)
}

// walk extracts what the files of t declare.
func (t *fileTree) walk(ctx context.Context, jobs int) (*extract.Tree, error) {
	tree, err := extract.Walk(ctx, t.fsys, t.starts, extract.Options{Extractors: extractors(t.repo, t.folder()), Excludes: t.repo.Exclude, Jobs: jobs})
	if err != nil && ctx.Err() == nil {
		return nil, usage(err, "a link out of the repository is not followed: name what it leads to")
	}
	if err == nil && t.root == nil && tree.Files == 0 {
		tree.Problems = append(tree.Problems, extract.Problem{
			Origin: ref.Origin{Kind: "file", Where: stdinName}, Cause: fact.Unsupported, Why: "nothing in it says what kind of file it is",
		})
	}
	return tree, err
}

// display is how messages name a file of t: from the current folder if that is
// within, so that it can be opened as it is shown.
func (t *fileTree) display(name string) string {
	if t.root == nil {
		return name
	}
	full := filepath.Join(t.dir, filepath.FromSlash(name))
	if t.from != "" {
		if rel, err := filepath.Rel(t.from, full); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(full)
}

// currentFolder is where the process is, with links followed; "" if that cannot be
// told.
func currentFolder() string {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return ""
	}
	return dir
}
