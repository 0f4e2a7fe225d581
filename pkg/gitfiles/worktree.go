package gitfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// uncommitted returns the tracked files below starts that the index or the work
// tree has otherwise than HEAD. It does what "git status" does first: a file with the
// size and time that the index has is the same. Files that Git does not know are not
// looked for.
func (r *Range) uncommitted(ctx context.Context, starts []string) ([]string, error) {
	r.store.mu.Lock()
	idx, err := r.store.main.Index()
	r.store.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("read Git's index: %w", err)
	}
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	var out []string
	for _, e := range idx.Entries {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e.Mode == filemode.Submodule || !below(e.Name, starts) || len(out) > 0 && out[len(out)-1] == e.Name {
			continue
		}
		if n, err := r.head.find("open", e.Name, false); err != nil || n.hash != e.Hash || e.Stage != 0 || differs(root, e) {
			out = append(out, e.Name)
		}
	}
	return out, nil
}

func below(name string, starts []string) bool {
	for _, s := range starts {
		if s == "." || s == name || strings.HasPrefix(name, s+"/") {
			return true
		}
	}
	return false
}

// differs reports whether the file of e is another one in the work tree. What
// cannot be read counts.
func differs(root *os.Root, e *index.Entry) bool {
	if e.SkipWorktree {
		return false // a sparse checkout
	}
	name := filepath.FromSlash(e.Name)
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return true
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := root.Readlink(name)
		return err != nil || plumbing.ComputeHash(plumbing.BlobObject, []byte(filepath.ToSlash(to))) != e.Hash
	case uint32(info.Size()) == e.Size && info.ModTime().Equal(e.ModifiedAt):
		return false
	case !info.Mode().IsRegular() || info.Size() > limits.SourceFile:
		return true
	}
	f, err := root.Open(name)
	if err != nil {
		return true
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limits.SourceFile))
	return err != nil || plumbing.ComputeHash(plumbing.BlobObject, b) != e.Hash
}

// uncommittedNotice tells of changes that are not in the range.
func (r *Range) uncommittedNotice(ctx context.Context, starts []string, out *Reading) {
	names, err := r.uncommitted(ctx, starts)
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
	case err != nil:
		out.notice("", "whether the work tree has changes that are not committed cannot be told: "+err.Error())
	case len(names) > 0:
		some := names[:min(3, len(names))]
		more := ""
		if n := len(names) - len(some); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		out.notice("", fmt.Sprintf("changes that are not committed are not in the range: %q%s", some, more))
	}
}
