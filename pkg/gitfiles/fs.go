package gitfiles

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A treeFS is the files of a commit. Links are followed as os.Root does it, not
// out of the tree. A submodule is an empty folder: its files are another
// repository's. It may be used concurrently.
type treeFS struct {
	store *store
	root  plumbing.Hash
}

var (
	_ fs.ReadDirFS  = (*treeFS)(nil)
	_ fs.StatFS     = (*treeFS)(nil)
	_ fs.ReadLinkFS = (*treeFS)(nil)
)

var (
	errEscapes = errors.New("path escapes from the tree of the commit")
	errLoop    = errors.New("too many levels of symbolic links")
	errNotDir  = errors.New("not a folder")
)

// maxLinks is Linux's limit for one path.
const maxLinks = 40

// A node is an entry of a tree. Two with the same mode and hash have the same
// content, folders with all that is below them.
type node struct {
	name string // where links led; "." = the root
	mode filemode.FileMode
	hash plumbing.Hash
}

func validName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// find returns the node at name. A link at its end is followed if follow says so.
func (f *treeFS) find(op, name string, follow bool) (node, error) {
	fail := func(err error) (node, error) { return node{}, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at := []node{{name: ".", mode: filemode.Dir, hash: f.root}} // the folders down to here
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		here := at[len(at)-1]
		switch {
		case here.mode != filemode.Dir && here.mode != filemode.Submodule:
			return fail(fs.ErrNotExist) // a file is no folder
		case part == "" || part == ".":
			continue
		case part == "..":
			if len(at) == 1 {
				return fail(errEscapes)
			}
			at = at[:len(at)-1]
			continue
		}
		n, err := f.child(here, part)
		if err != nil {
			return fail(err)
		}
		if n.mode != filemode.Symlink || len(rest) == 0 && !follow {
			at = append(at, n)
			continue
		}
		to, err := f.target(n)
		switch {
		case err != nil:
			return fail(err)
		case path.IsAbs(to):
			return fail(errEscapes)
		}
		if links++; links > maxLinks {
			return fail(errLoop)
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return at[len(at)-1], nil
}

func (f *treeFS) child(dir node, name string) (node, error) {
	if dir.mode == filemode.Submodule {
		return node{}, fs.ErrNotExist
	}
	t, err := f.store.tree(dir.hash)
	if err != nil {
		return node{}, err
	}
	e, ok := entry(t, name)
	if !ok {
		return node{}, fs.ErrNotExist
	}
	return node{name: path.Join(dir.name, name), mode: e.Mode, hash: e.Hash}, nil
}

// entry looks name up in a tree of the store's, which has them sorted.
func entry(t *object.Tree, name string) (*object.TreeEntry, bool) {
	i := sort.Search(len(t.Entries), func(i int) bool { return t.Entries[i].Name >= name })
	if i < len(t.Entries) && t.Entries[i].Name == name {
		return &t.Entries[i], true
	}
	return nil, false
}

// target reads a link.
func (f *treeFS) target(n node) (string, error) {
	r, size, err := f.store.blob(n.hash)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	if size > limits.PathName {
		return "", &limits.ExceededError{What: "length of a symbolic link", Limit: limits.PathName}
	}
	b, err := io.ReadAll(r)
	if err == nil && len(b) == 0 {
		err = fs.ErrNotExist
	}
	return string(b), err
}

// Open opens a file or folder. Reading a pointer of Git LFS is an error.
func (f *treeFS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	info := f.info(n, path.Base(name))
	if info.IsDir() {
		return &folder{info: info, name: name}, nil
	}
	r, size, err := f.store.blob(n.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return newFile(info, name, r, size)
}

// Stat follows links.
func (f *treeFS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat does not follow a link at the end of name.
func (f *treeFS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *treeFS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := f.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return f.info(n, path.Base(name)).Info()
}

// ReadLink returns where a link leads, as it is written.
func (f *treeFS) ReadLink(name string) (string, error) {
	n, err := f.find("readlink", name, false)
	if err == nil && n.mode != filemode.Symlink {
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	to, err := f.target(n)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return to, nil
}

// ReadDir lists a folder, sorted.
func (f *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	out, err := f.info(n, path.Base(name)).entries()
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return out, nil
}
