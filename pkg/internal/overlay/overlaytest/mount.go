//go:build linux

// Package overlaytest makes overlay mounts as runtimes do, and does to them what
// containers do. It is imported by tests alone and needs root.
package overlaytest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A Mount is an overlay that a container could have. It may not be used
// concurrently.
type Mount struct {
	Lower, Upper, Merged string
	Log                  []string // what was done

	t       *testing.T
	r       *rand.Rand
	fuse    bool
	data    string // the options of the mount
	mounted bool

	files, dirs, both []string
}

// New mounts an image of some directories. Options are overlayfs's, beginning with
// a comma; fuse asks for fuse-overlayfs. It ends with the test.
func New(t *testing.T, options string, fuse bool, seed uint64) *Mount {
	t.Helper()
	work := t.TempDir()
	m := &Mount{t: t, r: rand.New(rand.NewPCG(seed, 11)), fuse: fuse,
		Lower: filepath.Join(work, "lower"), Upper: filepath.Join(work, "upper"), Merged: filepath.Join(work, "merged")}
	for _, dir := range []string{m.Lower, m.Upper, m.Merged, filepath.Join(work, "work")} {
		m.must(os.Mkdir(dir, 0o755))
	}
	m.populate()
	m.data = fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", m.Lower, m.Upper, filepath.Join(work, "work")) + options
	if !fuse {
		m.data += ",volatile" // its end need not wait for the disk
	}
	m.Mount()
	t.Cleanup(m.Unmount)
	return m
}

// Mount mounts it again after Unmount.
func (m *Mount) Mount() {
	m.t.Helper()
	if m.fuse {
		if out, err := exec.Command("fuse-overlayfs", "-o", m.data, m.Merged).CombinedOutput(); err != nil {
			m.t.Fatalf("fuse-overlayfs: %v\n%s", err, out)
		}
	} else {
		m.must(unix.Mount("overlay", m.Merged, "overlay", 0, m.data))
	}
	m.mounted = true
}

// Unmount ends the mount and leaves the upper directory.
func (m *Mount) Unmount() {
	if m.mounted {
		m.mounted = false
		m.must(unix.Unmount(m.Merged, 0))
	}
}

func (m *Mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// populate makes the image.
func (m *Mount) populate() {
	for i := range 4 {
		d := filepath.Join(m.Lower, fmt.Sprintf("d%d", i))
		m.must(os.MkdirAll(filepath.Join(d, "sub", "deep"), 0o755))
		for j := range 3 {
			m.must(os.WriteFile(filepath.Join(d, fmt.Sprintf("f%d", j)), fmt.Appendf(nil, "%d%d", i, j), 0o644))
			m.must(os.WriteFile(filepath.Join(d, "sub", fmt.Sprintf("g%d", j)), fmt.Appendf(nil, "sub%d%d", i, j), 0o755))
		}
		m.must(os.WriteFile(filepath.Join(d, "sub", "deep", "h"), []byte("deep"), 0o600))
		m.must(os.Symlink("f0", filepath.Join(d, "link")))
		// fuse-overlayfs writes to all names of a file of the image at once, and only
		// one of them gets into the upper directory.
		if !m.fuse {
			m.must(os.Link(filepath.Join(d, "f1"), filepath.Join(d, "hard")))
		}
	}
	m.must(unix.Mkfifo(filepath.Join(m.Lower, "d0", "pipe"), 0o600))
}

// look finds what there is to change.
func (m *Mount) look() {
	m.files, m.dirs = nil, nil
	m.must(filepath.WalkDir(m.Merged, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			m.dirs = append(m.dirs, p)
		} else if err == nil && d.Type().IsRegular() {
			m.files = append(m.files, p)
		}
		return err
	}))
	m.both = slices.Concat(m.files, m.dirs[1:])
}

// Operate does one thing that a container can do. Some of them cannot be done:
// overlayfs refuses to rename a directory of the image without redirects.
func (m *Mount) Operate() {
	m.look()
	pick := func(from []string) string {
		if len(from) == 0 {
			return filepath.Join(m.Merged, "none")
		}
		return from[m.r.IntN(len(from))]
	}
	names := []string{"f0", "f1", "sub", "new", "deep", "link", "z", ".wh.x"}
	if m.fuse { // it makes such files and does not show them
		names = names[:7]
	}
	fresh := filepath.Join(pick(m.dirs), names[m.r.IntN(len(names))])
	file, dir, any := pick(m.files), pick(m.dirs[1:]), pick(m.both)
	var err error
	var what string
	switch m.r.IntN(15) {
	case 0, 1:
		what, err = "write "+fresh, os.WriteFile(fresh, fmt.Append(nil, m.r.IntN(5)), 0o644)
	case 2:
		what, err = "append "+file, appendTo(file, "more")
	case 3:
		what, err = "truncate "+file, os.Truncate(file, 0)
	case 4:
		what, err = "chmod "+any, os.Chmod(any, fs.FileMode(0o700|m.r.IntN(0o100)))
	case 5:
		what, err = "chown "+any, os.Lchown(any, m.r.IntN(3), m.r.IntN(3))
	case 6:
		what, err = "remove "+file, os.Remove(file)
	case 7:
		what, err = "remove all "+dir, os.RemoveAll(dir)
	case 8:
		what, err = "mkdir "+fresh, os.Mkdir(fresh, 0o755)
	case 9, 10:
		if m.fuse { // 1.10 then takes a file that was renamed and one in its old place for the same
			return
		}
		what, err = "rename "+any+" "+fresh, os.Rename(any, fresh)
	case 11:
		what, err = "symlink "+fresh, os.Symlink("somewhere", fresh)
	case 12:
		what, err = "link "+file+" "+fresh, os.Link(file, fresh)
	case 13:
		what, err = "again "+dir, errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755))
	case 14: // copied up and no change
		what, err = "touch "+file, errors.Join(appendTo(file, ""), unix.Utimes(file, make([]unix.Timeval, 2)))
	}
	m.Log = append(m.Log, fmt.Sprintf("%s: %v", strings.ReplaceAll(what, filepath.Dir(m.Merged), ""), err))
}

func appendTo(name, s string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}
