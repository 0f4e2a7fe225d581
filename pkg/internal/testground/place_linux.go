package testground

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// placePrefix starts the name of everything that outlives a killed test:
// folders, their lock files, control groups.
const placePrefix = "intact-ground-"

// A place is the folder that a ground's servers keep everything in. Its lock
// file lies beside it: locked as long as the owner lives, so that the next
// owner can tell what a killed one left.
type place struct {
	dir  string
	lock *os.File
}

// newPlace makes one, after it removed what killed owners left.
func newPlace() (*place, error) {
	if err := sweep(os.TempDir()); err != nil {
		return nil, fmt.Errorf("remove what an earlier run left: %w", err)
	}
	for {
		f, err := os.CreateTemp("", placePrefix+"*.lock")
		if err != nil {
			return nil, fmt.Errorf("make a work folder: %w", err)
		}
		p := &place{dir: strings.TrimSuffix(f.Name(), ".lock"), lock: f}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("lock a work folder: %w", err), p.remove())
		}
		// Another sweep may have taken the file between creation and lock.
		if _, err := os.Stat(f.Name()); errors.Is(err, fs.ErrNotExist) {
			f.Close()
			continue
		}
		if err := os.Mkdir(p.dir, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make a work folder: %w", err), p.remove())
		}
		return p, nil
	}
}

// path is a file of the place.
func (p *place) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

// cgroup is the name of the control group that containers of the place are in.
func (p *place) cgroup() string { return filepath.Base(p.dir) }

// remove removes the folder, its control groups and the lock. Nothing may run
// there any more.
func (p *place) remove() error {
	err := errors.Join(removeCgroups(p.cgroup()), os.RemoveAll(p.dir), os.Remove(p.lock.Name()))
	return errors.Join(err, p.lock.Close())
}

// sweep removes the places whose owners are dead.
func sweep(tmp string) error {
	locks, err := filepath.Glob(filepath.Join(tmp, placePrefix+"*.lock"))
	if err != nil {
		return err
	}
	for _, name := range locks {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil { // removed since, or another user's
			continue
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			continue
		}
		left := &place{dir: strings.TrimSuffix(name, ".lock"), lock: f}
		if err := left.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeCgroups removes a control group with all below it from every hierarchy,
// of version 1 and 2. A group is busy for a moment after its last process.
func removeCgroups(name string) error {
	for _, pattern := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
		tops, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, top := range tops {
			if err := removeCgroup(top); err != nil {
				return err
			}
		}
	}
	return nil
}

func removeCgroup(top string) error {
	var dirs []string
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	slices.Reverse(dirs) // children first
	deadline := time.Now().Add(10 * time.Second)
	for _, dir := range dirs {
		for {
			err := unix.Rmdir(dir)
			if err == nil || errors.Is(err, unix.ENOENT) {
				break
			}
			if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
				return fmt.Errorf("remove control group %q: %w", dir, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}

// writeFile writes a file of a ground, its folders included.
func writeFile(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o600)
}
