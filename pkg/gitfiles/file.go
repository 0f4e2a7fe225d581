package gitfiles

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// An info is what is known of a node without its content. Git keeps no times.
type info struct {
	fsys *treeFS
	node node
	base string
	size int64
}

func (f *treeFS) info(n node, base string) *info { return &info{fsys: f, node: n, base: base} }

// Name returns the last part of the path.
func (i *info) Name() string { return i.base }

// Size returns the bytes of a file, once Info has looked.
func (i *info) Size() int64 { return i.size }

// IsDir reports whether it is a folder; a submodule is one.
func (i *info) IsDir() bool { return i.Mode().IsDir() }

// Type returns the type bits of Mode.
func (i *info) Type() fs.FileMode { return i.Mode().Type() }

// ModTime returns the zero time.
func (i *info) ModTime() time.Time { return time.Time{} }

// Sys returns nil.
func (i *info) Sys() any { return nil }

// Mode returns what a checkout would give it.
func (i *info) Mode() fs.FileMode {
	switch i.node.mode {
	case filemode.Dir, filemode.Submodule:
		return fs.ModeDir | 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Executable:
		return 0o755
	}
	return 0o644
}

// Info looks up the size.
func (i *info) Info() (fs.FileInfo, error) {
	if i.IsDir() {
		return i, nil
	}
	n, err := i.fsys.store.size(i.node.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: i.base, Err: err}
	}
	out := *i
	out.size = n
	return &out, nil
}

// entries lists a folder.
func (i *info) entries() ([]fs.DirEntry, error) {
	switch i.node.mode {
	case filemode.Submodule:
		return nil, nil
	case filemode.Dir:
	default:
		return nil, errNotDir
	}
	t, err := i.fsys.store.tree(i.node.hash)
	if err != nil {
		return nil, err
	}
	out := make([]fs.DirEntry, 0, len(t.Entries))
	for _, e := range t.Entries {
		out = append(out, i.fsys.info(node{mode: e.Mode, hash: e.Hash}, e.Name))
	}
	return out, nil
}

// A folder is an open folder.
type folder struct {
	info *info
	name string
	list []fs.DirEntry
	read bool
}

// Stat returns what is known of it.
func (d *folder) Stat() (fs.FileInfo, error) { return d.info.Info() }

// Read fails: a folder has no bytes.
func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a folder")}
}

// Close does nothing.
func (d *folder) Close() error { return nil }

// ReadDir lists the next n entries, all that are left for n <= 0.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		list, err := d.info.entries()
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: d.name, Err: err}
		}
		d.list, d.read = list, true
	}
	if n <= 0 {
		n = len(d.list)
	} else if len(d.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.list))
	out := d.list[:n:n]
	d.list = d.list[n:]
	return out, nil
}

// A file is an open file.
type file struct {
	io.ReadCloser
	info *info
	name string
	err  error // of every Read
}

// Stat returns what is known of it.
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// Read reads on.
func (f *file) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: f.err}
	}
	return f.ReadCloser.Read(p)
}

func newFile(i *info, name string, r io.ReadCloser, size int64) (fs.File, error) {
	i.size = size
	f := &file{ReadCloser: r, info: i, name: name}
	if size > maxLFS {
		return f, nil
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if isLFS(b) {
		f.err = errLFS
	}
	f.ReadCloser = io.NopCloser(bytes.NewReader(b))
	return f, nil
}
