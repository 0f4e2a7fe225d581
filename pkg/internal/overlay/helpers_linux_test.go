package overlay

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// collect walks and returns what was yielded, line by line.
func collect(t testing.TB, upper string, o Options) ([]string, error) {
	t.Helper()
	var out []string
	err := Walk(t.Context(), upper, o, func(w observe.Written) error {
		out = append(out, line(w))
		return nil
	})
	return out, err
}

// lines is collect for walks that must not fail.
func lines(t testing.TB, upper string, o Options) []string {
	t.Helper()
	out, err := collect(t, upper, o)
	if err != nil {
		t.Errorf("Walk: %v", err)
	}
	return out
}

// line is a Written as a line: path, marks, type, mode and what it holds.
func line(w observe.Written) string {
	parts := []string{string(w.Path)}
	for _, flag := range []struct {
		on   bool
		name string
	}{{w.Removed, "removed"}, {w.Opaque, "opaque"}, {w.Renamed != "", "from " + string(w.Renamed)}, {w.Entry.MetadataOnly, "metadata only"}} {
		if flag.on {
			parts = append(parts, flag.name)
		}
	}
	if e := w.Entry; e.Type != "" {
		s := fmt.Sprintf("%s %o", e.Type, e.Mode)
		if e.UID != 0 || e.GID != 0 {
			s += fmt.Sprintf(" %d:%d", e.UID, e.GID)
		}
		if e.Digest != "" {
			s += " =" + string(e.Head)
			if want := digest(string(e.Head)); len(e.Head) < headBytes && e.Digest != want {
				s += " digest " + string(e.Digest)
			}
		}
		if e.Link != "" {
			s += " -> " + string(e.Link)
		}
		if e.Type == "char" || e.Type == "block" {
			s += fmt.Sprintf(" %d,%d", e.Major, e.Minor)
		}
		if e.Capabilities != "" {
			s += fmt.Sprintf(" caps %x", string(e.Capabilities))
		}
		parts = append(parts, s)
	}
	if w.Err != nil {
		parts = append(parts, "error: "+w.Err.Error())
	}
	return strings.Join(parts, ", ")
}

func digest(s string) ref.Digest {
	return ref.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))))
}

// A tree makes files below a folder.
type tree struct {
	t    testing.TB
	root string
}

func newTree(t testing.TB) tree {
	t.Helper()
	root := filepath.Join(t.TempDir(), "upper")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return tree{t, root}
}

func (tr tree) path(name string) string { return filepath.Join(tr.root, name) }

func (tr tree) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) file(name, content string) {
	tr.t.Helper()
	tr.must(os.WriteFile(tr.path(name), []byte(content), 0o644))
	tr.must(os.Chmod(tr.path(name), 0o644))
}

func (tr tree) dir(name string) {
	tr.t.Helper()
	tr.must(os.Mkdir(tr.path(name), 0o755))
}

func (tr tree) node(name string, mode uint32, major, minor uint32) {
	tr.t.Helper()
	tr.must(unix.Mknod(tr.path(name), mode, int(unix.Mkdev(major, minor))))
}

func (tr tree) whiteout(name string) {
	tr.t.Helper()
	tr.node(name, unix.S_IFCHR, 0, 0)
}

func (tr tree) xattr(name, key, value string) {
	tr.t.Helper()
	err := unix.Lsetxattr(tr.path(name), key, []byte(value), 0)
	if errors.Is(err, unix.ENOTSUP) {
		tr.t.Skipf("the file system of %s keeps no extended attributes", tr.root)
	}
	tr.must(err)
}

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

func atime(t *testing.T, path string) unix.Timespec {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Atim
}
