// Package gitfiles reads the files of a repository as commits have them, and tells
// what a range of commits touched. It runs no Git and writes nothing: work tree,
// index and a merge that is going on do not matter.
package gitfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// An Error is a revision or repository that no range can be made of.
type Error struct {
	Err  error
	Hint string // what to do
}

// Error returns the cause.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A Range is the commits from where the history of HEAD and that of a revision
// parted to HEAD: what "git diff REV...HEAD" shows. One goroutine at a time may
// use it; its files may be read concurrently.
type Range struct {
	// Root is the folder of the work tree, absolute.
	Root string
	// Base and Head are the commits at its ends, in hexadecimal.
	Base, Head string

	store      *store
	base, head *treeFS
}

// Open finds the repository of the work tree that dir lies in and the range from
// rev to HEAD. Revisions are branches, tags and commits with ~N and ^N. An *Error
// says what is wrong with rev or the repository, and what to do.
func Open(ctx context.Context, dir, rev string) (*Range, error) {
	root, git, err := find(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(git)
	if err != nil {
		return nil, err
	}
	r, err := s.between(ctx, rev)
	if err != nil {
		s.close()
		return nil, err
	}
	r.Root = root
	return r, nil
}

func (s *store) between(ctx context.Context, rev string) (*Range, error) {
	from, err := s.resolve(rev)
	if err != nil {
		return nil, err
	}
	head, err := s.named("HEAD")
	if err != nil {
		return nil, &Error{Err: fmt.Errorf("HEAD: %w", err), Hint: "a range ends at HEAD: commit something first"}
	}
	bases, err := mergeBases(ctx, s, from, head)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, s.explain(fmt.Errorf("find where HEAD parted from %q: %w", rev, err), hintRevision)
	case len(bases) == 0:
		return nil, s.explain(fmt.Errorf("HEAD and %q have no commit in common here", rev), "name a commit that HEAD descends from")
	case len(bases) > 1:
		var names []string
		for _, b := range bases {
			names = append(names, b.Hash.String())
		}
		return nil, &Error{
			Err:  fmt.Errorf("HEAD and %q parted at %d commits: %s", rev, len(bases), strings.Join(names, ", ")),
			Hint: "they were merged into each other: give one of these commits",
		}
	}
	return &Range{
		Base: bases[0].Hash.String(), Head: head.Hash.String(), store: s,
		base: &treeFS{s, bases[0].TreeHash}, head: &treeFS{s, head.TreeHash},
	}, nil
}

// Close closes the repository.
func (r *Range) Close() error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.close()
	return nil
}

// HeadFS is the files at HEAD. Links are followed within the tree, submodules are
// empty folders, and reading a pointer of Git LFS fails.
func (r *Range) HeadFS() fs.FS { return r.head }

// BaseFS is the files where the range begins.
func (r *Range) BaseFS() fs.FS { return r.base }

// changed reports whether what the name itself stands for differs at the two ends.
func (r *Range) changed(name string) bool {
	return r.base.state(name, false) != r.head.state(name, false)
}

// state describes what name stands for. If it is the same in two trees, they have
// the same content there, or fail alike.
func (f *treeFS) state(name string, follow bool) string {
	n, err := f.find("open", name, follow)
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s", n.name, n.mode, n.hash)
}

func (r *Range) diff(ctx context.Context) (object.Changes, error) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	trees := make([]*object.Tree, 2)
	for i, h := range []plumbing.Hash{r.base.root, r.head.root} {
		t, err := object.GetTree(r.store, h)
		if err != nil {
			return nil, missing(h, err)
		}
		trees[i] = t
	}
	return object.DiffTreeContext(ctx, trees[0], trees[1])
}
