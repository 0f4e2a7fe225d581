package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
)

// lay writes files, and links for texts that begin with "-> ", below a new
// folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(filepath.FromSlash(to), full)
		} else {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// opened opens paths below dir and says what became of them: root -> starts.
func opened(t *testing.T, dir string, paths ...string) map[string][]string {
	t.Helper()
	for i, p := range paths {
		paths[i] = filepath.Join(dir, filepath.FromSlash(p))
	}
	trees, err := openFiles(paths, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles(trees)
	out := map[string][]string{}
	for _, tree := range trees {
		rel, err := filepath.Rel(dir, tree.dir)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(rel)] = tree.starts
	}
	return out
}

func TestPathsAreReadInTheirRepository(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string]string{
		"repo/.git/HEAD": "", "repo/deploy/a.yaml": "", "repo/deploy/sub/b.yaml": "", "repo/c.yaml": "",
		"linked/.git": "gitdir: elsewhere", "linked/x/d.yaml": "", "repo/module/.git": "gitdir: ../.git/modules/m", "repo/module/e.yaml": "",
		"plain/f.yaml": "", "plain/deep/g.yaml": "", "away": "-> repo/deploy", "repo/link.yaml": "-> deploy/a.yaml",
	})
	for _, row := range []struct {
		name  string
		paths []string
		want  map[string][]string
	}{
		{"the work tree around a file and a folder", []string{"repo/deploy/a.yaml", "repo/deploy/sub"}, map[string][]string{"repo": {"deploy/a.yaml", "deploy/sub"}}},
		{"the root itself, twice", []string{"repo", "repo/."}, map[string][]string{"repo": {"."}}},
		{"a linked work tree", []string{"linked/x"}, map[string][]string{"linked": {"x"}}},
		{"a submodule", []string{"repo/module"}, map[string][]string{"repo/module": {"."}}},
		{"a submodule within what is read anyway", []string{"repo", "repo/module/e.yaml"}, map[string][]string{"repo": {".", "module/e.yaml"}}},
		{"no repository", []string{"plain/f.yaml", "plain/deep"}, map[string][]string{"plain": {"f.yaml"}, "plain/deep": {"."}}},
		{"a folder and what is in it", []string{"plain/deep/g.yaml", "plain"}, map[string][]string{"plain": {"deep/g.yaml", "."}}},
		{"a folder by a link", []string{"away"}, map[string][]string{"repo": {"deploy"}}},
		{"a file by a link", []string{"repo/link.yaml"}, map[string][]string{"repo": {"link.yaml"}}},
		{"two repositories", []string{"repo/c.yaml", "linked"}, map[string][]string{"repo": {"c.yaml"}, "linked": {"."}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if d := cmp.Diff(row.want, opened(t, dir, row.paths...)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPathsThatCannotBeOpenedAreUsageErrors(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string]string{"bad/.intact.yaml": "schema: intact.repository/v1\npolicy: audit\n", "bad/a.yaml": "", "nowhere": "-> gone"})
	for _, row := range []struct{ path, want string }{
		{"gone.yaml", "gone.yaml"}, {"nowhere", "nowhere"}, {"bad/a.yaml", `.intact.yaml:2:1: unknown key "policy"`},
	} {
		trees, err := openFiles([]string{filepath.Join(dir, row.path)}, nil)
		if err == nil || codeOf(err) != exitUsage || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, %v", row.path, trees, err)
		}
	}
	if _, err := openFiles([]string{"-", "-"}, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("standard input twice: %v", err)
	}
}

func TestStandardInputIsOneFile(t *testing.T) {
	t.Parallel()
	trees, err := openFiles([]string{"-"}, strings.NewReader("image: nginx\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(trees[0].fsys, stdinName)
	if err != nil || string(b) != "image: nginx\n" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := fs.Stat(trees[0].fsys, ".git/index"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file: %v", err)
	}
	if tree, err := trees[0].walk(t.Context(), 2); err != nil || tree.Passed.Other+tree.Files != 1 {
		t.Errorf("%+v, %v", tree, err)
	}
	big, err := openFiles([]string{"-"}, strings.NewReader(strings.Repeat("x", extract.MaxFileSize+9)))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := fs.Stat(big[0].fsys, stdinName); err != nil || info.Size() != extract.MaxFileSize+1 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestFilesAreShownAsTheyCanBeOpened(t *testing.T) {
	dir := lay(t, map[string]string{"repo/.git/HEAD": "", "repo/deploy/a.yaml": "", "repo/b.yaml": ""})
	t.Chdir(filepath.Join(dir, "repo", "deploy"))
	trees, err := openFiles([]string{"..", "a.yaml"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles(trees)
	if got := trees[0].display("deploy/a.yaml"); len(trees) != 1 || got != "a.yaml" {
		t.Errorf("%d trees, %q", len(trees), got)
	}
	if got, want := trees[0].display("b.yaml"), filepath.ToSlash(filepath.Join(dir, "repo/b.yaml")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
