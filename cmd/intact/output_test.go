//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatAReportIsWrittenTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	say := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	holds := func(name, want string) {
		t.Helper()
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
	}
	if err := errors.Join(os.WriteFile(in("old"), []byte("old"), 0o600), os.Symlink("old", in("link")), os.Symlink("nowhere", in("dangling")),
		os.Mkdir(in("folder"), 0o700), unix.Mkfifo(in("pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}

	// What fails in the middle leaves what was there.
	failed := errors.New("in the middle")
	if err := writeFile(in("link"), func(w io.Writer) error { return errors.Join(say("half")(w), failed) }); !errors.Is(err, failed) {
		t.Error(err)
	}
	holds("old", "old")

	// A link stays one, and its target is replaced as a whole.
	if err := writeFile(in("link"), say("new")); err != nil {
		t.Error(err)
	}
	holds("old", "new")
	if to, err := os.Readlink(in("link")); err != nil || to != "old" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := writeFile(in("dangling"), say("made")); err != nil {
		t.Error(err)
	}
	holds("dangling", "made")

	if err := writeFile(in("folder"), say("x")); err == nil {
		t.Error("a folder was written to")
	}

	// A pipe is written to and not replaced.
	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(in("pipe"))
		read <- string(b)
	}()
	if err := writeFile(in("pipe"), say("through")); err != nil {
		t.Error(err)
	}
	if got := <-read; got != "through" {
		t.Errorf("through the pipe came %q", got)
	}

	// Nothing of ours is left.
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 5 {
		t.Errorf("%d entries, want 5: %v", len(all), all)
	}
}
