// Package rewrite replaces files of a tree, whole or not at all, and only as long
// as they are what was read.
package rewrite

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// ErrChanged reports a file that is no longer what was read.
var ErrChanged = errors.New("it has changed since it was read")

// File makes the file at name, with slashes below root, what new says if it is
// still what old says; nil is no file. Mode and owner stay. name must not be a
// symbolic link: see [Real].
//
// A crash leaves the old file or the new one. Where the system can swap two files
// the comparison is made with what the swap took away, so that a change up to
// that moment is seen and put back; elsewhere it is made right before. Another
// program that has the file open and writes to it afterwards is not seen.
func File(root *os.Root, name string, old, new []byte) error {
	if err := replace(root, name, old, new); err != nil {
		return fmt.Errorf("write %q: %w", name, plain(err))
	}
	return nil
}

func replace(root *os.Root, name string, old, new []byte) error {
	mode, info, err := state(root, name, old)
	if err != nil {
		return err
	}
	dir, err := root.OpenRoot(path.Dir(name))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	base := path.Base(name)
	temp := ".intact-" + strings.ToLower(rand.Text()) + ".tmp"
	if err := create(dir, temp, mode, info, new); err != nil {
		return errors.Join(err, remove(dir, temp))
	}
	if err := move(dir, temp, base, old); err != nil {
		var stranded *strandedError
		if errors.As(err, &stranded) {
			return err // the temporary file is the other one now
		}
		return errors.Join(err, remove(dir, temp))
	}
	return syncDir(dir)
}

// state looks whether the file is what it should be, and how it is kept.
func state(root *os.Root, name string, old []byte) (fs.FileMode, fs.FileInfo, error) {
	info, err := root.Lstat(name)
	switch {
	case old == nil && errors.Is(err, fs.ErrNotExist):
		return 0o644, nil, nil
	case old == nil && err == nil:
		return 0, nil, ErrChanged
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil, fmt.Errorf("%w: it is gone", ErrChanged)
	case err != nil:
		return 0, nil, err
	case !info.Mode().IsRegular():
		return 0, nil, errors.New("it is no regular file")
	}
	same, err := holds(root, name, old)
	if err == nil && !same {
		err = ErrChanged
	}
	return info.Mode().Perm(), info, err
}

// holds reports whether the file at name is b. It reads no more than that takes.
func holds(root *os.Root, name string, b []byte) (bool, error) {
	f, err := root.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	got, err := io.ReadAll(io.LimitReader(f, int64(len(b))+1))
	return bytes.Equal(got, b), err
}

func create(dir *os.Root, temp string, mode fs.FileMode, like fs.FileInfo, b []byte) (err error) {
	f, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if like != nil {
		if err := own(f, like); err != nil {
			return fmt.Errorf("keep its owner: %w", err)
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Sync()
}

// moveChecked compares and renames: between the two is a moment in which a change
// is not seen.
func moveChecked(dir *os.Root, temp, base string, old []byte) error {
	if old == nil {
		// A link fails where a file is, which a rename does not.
		if err := dir.Link(temp, base); err == nil || errors.Is(err, fs.ErrExist) {
			if err != nil {
				return ErrChanged
			}
			return dir.Remove(temp)
		}
		return dir.Rename(temp, base)
	}
	same, err := holds(dir, base, old)
	switch {
	case err != nil:
		return err
	case !same:
		return ErrChanged
	}
	return dir.Rename(temp, base)
}

// A strandedError says that the temporary file holds what somebody else wrote.
type strandedError struct{ error }

func (e *strandedError) Unwrap() error { return e.error }

func remove(dir *os.Root, temp string) error {
	if err := dir.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", temp, plain(err))
	}
	return nil
}

// plain is err without the path of a file that the caller does not know.
func plain(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
