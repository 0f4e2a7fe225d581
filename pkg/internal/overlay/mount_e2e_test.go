//go:build linux && e2e

package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// Random operations on real mounts: the image and what Walk tells of the upper
// directory must give what the container sees.
func TestWalkAgainstTheMount(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct {
		name, options string
		form          Form
		fuse          bool
	}{
		{"plain", "", FormKernel, false},
		{"plain with the form not known", "", FormUnknown, false},
		{"redirects and metacopy", ",redirect_dir=on,metacopy=on", FormKernel, false},
		{"userxattr", ",userxattr", FormKernelUser, false},
		{"fuse", "", FormFuse, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath("fuse-overlayfs"); tt.fuse && err != nil {
				t.Skip("fuse-overlayfs is not installed")
			}
			for seed := range uint64(15) {
				m := newMount(t, tt.options, tt.fuse, seed)
				lower := m.list(m.lower)
				for range 40 {
					m.operate()
				}
				if tt.fuse {
					// fuse-overlayfs keeps some of what it shows in memory alone.
					m.unmount()
					m.mount()
				}
				merged := m.list(m.merged)
				got := applied(t, lower, m.upper, tt.form)
				if d := cmp.Diff(merged, got); d != "" {
					t.Errorf("seed %d (-mount +lower and upper):\n%s\n%s", seed, d, strings.Join(m.log, "\n"))
				}
				m.unmount()
				if got := applied(t, lower, m.upper, tt.form); !cmp.Equal(merged, got) {
					t.Errorf("seed %d: not the same after the mount has ended", seed)
				}
			}
		})
	}
}

// applied is what Walk tells, put over the lower tree.
func applied(t *testing.T, lower map[string]string, upper string, form Form) map[string]string {
	t.Helper()
	out := map[string]string{}
	for p, s := range lower {
		out[p] = s
	}
	drop := func(p string, itself bool) {
		for q := range out {
			if itself && q == p || strings.HasPrefix(q, p+"/") {
				delete(out, q)
			}
		}
	}
	before := ""
	err := Walk(t.Context(), upper, Options{Form: form}, func(w observe.Written) error {
		p, from := string(w.Path), string(w.Renamed)
		if w.Err != nil {
			t.Errorf("%s: %v", p, w.Err)
		}
		if order := strings.ReplaceAll(p, "/", "\x00"); order <= before {
			t.Errorf("%q is out of order", p)
		} else {
			before = order
		}
		switch {
		case p == "/":
			return nil
		case w.Removed:
			drop(p, true)
			return nil
		case w.Opaque:
			drop(p, false)
		case from != "" && !w.Entry.MetadataOnly:
			drop(p, true)
			for q, s := range lower {
				if rest, ok := strings.CutPrefix(q, from+"/"); ok {
					out[p+"/"+rest] = s
				}
			}
		case w.Entry.Type != typeDir || !strings.HasPrefix(out[p], typeDir):
			drop(p, true)
		}
		if w.Entry.MetadataOnly {
			if was := lower[from]; strings.HasPrefix(was, typeFile) {
				w.Entry.Digest = ref.Digest(was[strings.LastIndexByte(was, 32)+1:])
			} else {
				t.Errorf("%s: metadata of %q, which is %q", p, from, was)
			}
		}
		out[p] = describe(w.Entry)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func describe(e observe.Entry) string {
	s := fmt.Sprintf("%s %o %d:%d %d,%d", e.Type, e.Mode, e.UID, e.GID, e.Major, e.Minor)
	if e.Type == typeDir {
		return s
	}
	return s + " " + string(e.Link) + string(e.Digest)
}

// A mount is an overlay that a container could have.
type mount struct {
	t                    *testing.T
	r                    *rand.Rand
	lower, upper, merged string
	files, dirs, both    []string
	data                 string // the options of the mount
	log                  []string
	mounted, fuse        bool
}

func newMount(t *testing.T, options string, fuse bool, seed uint64) *mount {
	t.Helper()
	work := t.TempDir()
	m := &mount{t: t, r: rand.New(rand.NewPCG(seed, 11)), fuse: fuse,
		lower: filepath.Join(work, "lower"), upper: filepath.Join(work, "upper"), merged: filepath.Join(work, "merged")}
	for _, dir := range []string{m.lower, m.upper, m.merged, filepath.Join(work, "work")} {
		m.must(os.Mkdir(dir, 0o755))
	}
	m.populate()
	m.data = fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", m.lower, m.upper, filepath.Join(work, "work")) + options
	m.mount()
	t.Cleanup(m.unmount)
	return m
}

func (m *mount) mount() {
	if m.fuse {
		if out, err := exec.Command("fuse-overlayfs", "-o", m.data, m.merged).CombinedOutput(); err != nil {
			m.t.Fatalf("fuse-overlayfs: %v\n%s", err, out)
		}
	} else {
		m.must(unix.Mount("overlay", m.merged, "overlay", 0, m.data))
	}
	m.mounted = true
}

func (m *mount) unmount() {
	if m.mounted {
		m.mounted = false
		m.must(unix.Unmount(m.merged, 0))
	}
}

func (m *mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// populate makes the image.
func (m *mount) populate() {
	for i := range 4 {
		d := filepath.Join(m.lower, fmt.Sprintf("d%d", i))
		m.must(os.MkdirAll(filepath.Join(d, "sub", "deep"), 0o755))
		for j := range 3 {
			m.must(os.WriteFile(filepath.Join(d, fmt.Sprintf("f%d", j)), []byte(fmt.Sprintf("%d%d", i, j)), 0o644))
			m.must(os.WriteFile(filepath.Join(d, "sub", fmt.Sprintf("g%d", j)), []byte(fmt.Sprintf("sub%d%d", i, j)), 0o755))
		}
		m.must(os.WriteFile(filepath.Join(d, "sub", "deep", "h"), []byte("deep"), 0o600))
		m.must(os.Symlink("f0", filepath.Join(d, "link")))
		// fuse-overlayfs writes to all names of a file of the image at once, and only
		// one of them gets into the upper directory.
		if !m.fuse {
			m.must(os.Link(filepath.Join(d, "f1"), filepath.Join(d, "hard")))
		}
	}
	m.must(unix.Mkfifo(filepath.Join(m.lower, "d0", "pipe"), 0o600))
}

// list describes all below a folder, without Walk.
func (m *mount) list(root string) map[string]string {
	m.t.Helper()
	out := map[string]string{}
	m.must(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		e := (&walker{}).entry(&st)
		switch e.Type {
		case typeFile:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			e.Digest = digest(string(b))
		case typeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			e.Link = fact.Bytes(target)
		}
		out[strings.TrimPrefix(p, root)] = describe(e)
		return nil
	}))
	return out
}

// look finds what there is to change.
func (m *mount) look() {
	m.files, m.dirs = nil, nil
	m.must(filepath.WalkDir(m.merged, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			m.dirs = append(m.dirs, p)
		} else if err == nil && d.Type().IsRegular() {
			m.files = append(m.files, p)
		}
		return err
	}))
	m.both = slices.Concat(m.files, m.dirs[1:])
}

// operate does one thing that a container can do. Some of them cannot be done:
// overlayfs refuses to rename a directory of the image without redirects.
func (m *mount) operate() {
	m.look()
	pick := func(from []string) string {
		if len(from) == 0 {
			return filepath.Join(m.merged, "none")
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
	switch m.r.IntN(14) {
	case 0, 1:
		what, err = "write "+fresh, os.WriteFile(fresh, []byte(fmt.Sprint(m.r.IntN(5))), 0o644)
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
	case 13: // removed and made again
		what, err = "again "+dir, errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755))
	}
	m.log = append(m.log, fmt.Sprintf("%s: %v", strings.ReplaceAll(what, path.Dir(m.merged), ""), err))
}

func appendTo(name, s string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}
