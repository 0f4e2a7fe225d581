package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFilesAreReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, name := range []string{from, to} {
		if err := os.WriteFile(name, []byte(filepath.Base(name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"touch", from, "1000"}, {"chmod", "4755", from}, {"cp", from, to}, {"mkdir", filepath.Join(dir, "a", "b")}, {"ln", "to", filepath.Join(dir, "link")}} {
		if err := run(args[0], args[1:]); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
	}
	after, err := os.Stat(filepath.Join(dir, "link"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "from" {
		t.Errorf("content %q, %v", b, err)
	}
	if os.SameFile(before, after) || after.Mode().Perm() != 0o755 || !after.ModTime().Equal(time.Unix(1000, 0)) {
		t.Errorf("the copy is %v of %v, the same file: %v", after.Mode(), after.ModTime(), os.SameFile(before, after))
	}
	if info, err := os.Stat(from); err != nil || info.Mode()&os.ModeSetuid == 0 {
		t.Errorf("mode %v, %v: want setuid", info.Mode(), err)
	}
	if err := run("rm", []string{dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("removed folder: %v", err)
	}
}

func TestMistakesAreSaid(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"cp", "one"}, {"cat"}, {"sh", "-c", "true"}, {"cat", "/does/not/exist"}, {"chmod", "rwx", "/"}, {"touch", "/", "now"}} {
		if err := run(args[0], args[1:]); err == nil {
			t.Errorf("%q went well", args)
		}
	}
}
