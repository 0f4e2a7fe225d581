package rewrite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree opens a folder with files, and links for texts that begin with "-> ".
func tree(t *testing.T, files map[string]string) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(to, full)
		} else {
			err = os.WriteFile(full, []byte(text), 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root, dir
}

func is(t *testing.T, root *os.Root, name, want string) {
	t.Helper()
	if b, err := root.ReadFile(name); err != nil || string(b) != want {
		t.Errorf("%s is %q (%v), want %q", name, b, err, want)
	}
}

// only holds a folder to the files that should be in it: no temporary one stays.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestAFileIsReplacedWholeAndKeepsItsMode(t *testing.T) {
	t.Parallel()
	root, dir := tree(t, map[string]string{"sub/a.yaml": "old"})
	if err := os.Chmod(filepath.Join(dir, "sub/a.yaml"), 0o751); err != nil {
		t.Fatal(err)
	}
	if err := File(root, "sub/a.yaml", []byte("old"), []byte("new and longer")); err != nil {
		t.Fatal(err)
	}
	is(t, root, "sub/a.yaml", "new and longer")
	if info, err := root.Stat("sub/a.yaml"); err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	only(t, filepath.Join(dir, "sub"), "a.yaml")
}

func TestAFileThatChangedIsLeft(t *testing.T) {
	t.Parallel()
	root, dir := tree(t, map[string]string{"a.yaml": "other", "longer": "old and more", "link": "-> a.yaml", "dir/x": ""})
	for _, row := range []struct {
		name string
		old  []byte
	}{{"a.yaml", []byte("old")}, {"longer", []byte("old")}, {"gone", []byte("old")}, {"a.yaml", nil}} {
		if err := File(root, row.name, row.old, []byte("new")); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	for _, name := range []string{"link", "dir"} {
		if err := File(root, name, []byte("other"), []byte("new")); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	is(t, root, "a.yaml", "other")
	only(t, dir, "a.yaml", "dir", "link", "longer")
}

// The moment between the comparison and the rename, which a test cannot hit.
func TestWhatChangesAtTheLastMomentIsPutBack(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*os.Root, string, string, []byte) error{"move": move, "checked": moveChecked} {
		root, dir := tree(t, map[string]string{"a": "changed", "temp": "new", "b": "old", "temp2": "new"})
		if err := f(root, "temp", "a", []byte("old")); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		if err := f(root, "temp", "a", nil); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: a file that came: %v", name, err)
		}
		is(t, root, "a", "changed")
		is(t, root, "temp", "new")
		if err := f(root, "temp2", "b", []byte("old")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		is(t, root, "b", "new")
		if err := f(root, "temp", "c", nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		is(t, root, "c", "new")
		only(t, dir, "a", "b", "c")
	}
}

func TestANewFileIsMade(t *testing.T) {
	t.Parallel()
	root, dir := tree(t, map[string]string{"x": ""})
	if err := File(root, "intact.lock", nil, []byte("new")); err != nil {
		t.Fatal(err)
	}
	is(t, root, "intact.lock", "new")
	if info, err := root.Stat("intact.lock"); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	only(t, dir, "intact.lock", "x")
	if err := File(root, "nowhere/intact.lock", nil, []byte("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestLinksAreFollowedWithinTheTree(t *testing.T) {
	t.Parallel()
	root, _ := tree(t, map[string]string{
		"a/b/file": "", "link": "-> a/b/file", "dir": "-> a/b", "a/up": "-> ../link", "chain": "-> a/up", "deep/rel": "-> ../dir/file",
		"out": "-> ../elsewhere", "abs": "-> /etc/passwd", "loop": "-> loop", "a/far": "-> ../../x", "gone": "-> nothing", "slash": "-> a/b/",
	})
	for name, want := range map[string]string{
		"a/b/file": "a/b/file", "link": "a/b/file", "dir/file": "a/b/file", "a/up": "a/b/file", "chain": "a/b/file", "deep/rel": "a/b/file", "slash/file": "a/b/file", ".": ".",
	} {
		if got, err := Real(root, name); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"out": "out of the tree", "abs": "out of the tree", "a/far": "out of the tree", "loop": "too many", "gone": "no such file"} {
		if got, err := Real(root, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", name, got, err, want)
		}
	}
}
