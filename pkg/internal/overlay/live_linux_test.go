package overlay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// each walks and calls between after every line: what the container does
// meanwhile.
func each(t *testing.T, upper string, o Options, between func(observe.Written)) ([]string, error) {
	t.Helper()
	var out []string
	err := Walk(t.Context(), upper, o, func(w observe.Written) error {
		out = append(out, line(w))
		between(w)
		return nil
	})
	return out, err
}

func TestEntriesThatVanish(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.file("a", "")
	up.file("b", "")
	up.dir("c")
	up.file("c/x", "")
	up.dir("d")
	got, err := each(t, up.root, Options{}, func(w observe.Written) {
		switch w.Path {
		case "/a":
			up.must(os.Remove(up.path("b")))
		case "/c":
			up.must(os.RemoveAll(up.path("c")))
		}
	})
	if d := cmp.Diff([]string{"/a, file 644 =", "/c, dir 755", "/d, dir 755"}, got); err != nil || d != "" {
		t.Errorf("error %v; -want +got:\n%s", err, d)
	}
}

// A container that is removed during the walk takes its files along: that is no
// container that wrote nothing.
func TestUpperThatVanishes(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.file("a", "")
	up.file("b", "evil")
	got, err := each(t, up.root, Options{Form: FormKernelUser}, func(observe.Written) { up.must(os.RemoveAll(up.root)) })
	if image.CauseOf(err) != fact.NotFound || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("error %v after %q", err, got)
	}
}

// What is put in the place of a listed name is told as what it is, and is never
// followed or waited for.
func TestEntriesThatChangeType(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	for i := range 9 {
		up.file(fmt.Sprint(i), "file")
	}
	got, err := each(t, up.root, Options{}, func(w observe.Written) {
		if w.Path != "/0" {
			return
		}
		for i, make := range []func(string) error{
			func(p string) error { return os.Symlink("/etc/shadow", p) },
			func(p string) error { return os.Mkdir(p, 0o755) },
		} {
			p := up.path(fmt.Sprint(i + 1))
			up.must(os.Remove(p))
			up.must(make(p))
		}
		up.must(os.Remove(up.path("3")))
		up.must(mkfifo(up.path("3")))
	})
	want := []string{"/0, file 644 =file", "/1, symlink 777 -> /etc/shadow", "/2, dir 755", "/3, fifo 600"}
	if d := cmp.Diff(want, got[:4]); err != nil || d != "" {
		t.Errorf("error %v; -want +got:\n%s", err, d)
	}
}

// The file grows between two chunks of its content: what was read of it is told,
// and that it was changing.
func TestFileThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.file("log", "one\n")
	ctx := &tickingContext{Context: t.Context(), tick: func() {
		f, err := os.OpenFile(up.path("log"), os.O_APPEND|os.O_WRONLY, 0)
		up.must(err)
		_, err = f.WriteString("more\n")
		up.must(errors.Join(err, f.Close()))
	}}
	var last observe.Written
	err := Walk(ctx, up.root, Options{Form: FormKernelUser}, func(w observe.Written) error {
		last = w
		return nil
	})
	if err != nil || last.Path != "/log" || last.Entry.Digest == "" || last.Err == nil || !strings.Contains(last.Err.Error(), "written to while it was read") {
		t.Errorf("error %v, last entry %+v with error %v", err, last, last.Err)
	}
}

// A tickingContext does something whenever it is asked whether it ended.
type tickingContext struct {
	context.Context
	tick func()
}

func (c *tickingContext) Err() error {
	c.tick()
	return c.Context.Err()
}

func TestEndOfContext(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.file("a", "")
	up.file("b", "")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := Walk(ctx, up.root, Options{Form: FormKernelUser}, func(w observe.Written) error {
		if w.Path == "/a" {
			cancel()
		}
		n++
		return nil
	})
	if image.CauseOf(err) != fact.Cancelled || n > 2 {
		t.Errorf("error %v after %d entries", err, n)
	}
	mine := errors.New("mine")
	if err := Walk(t.Context(), up.root, Options{}, func(observe.Written) error { return mine }); !errors.Is(err, mine) || err != mine {
		t.Errorf("error %v; want the caller's own", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("d")
	up.dir("d/e")
	up.file("d/e/f", "")
	up.file("x", strings.Repeat("x", 600))
	up.file("y", "y")
	for name, tt := range map[string]struct {
		l    Limits
		want string
	}{
		"entries":    {Limits{Entries: 2}, "number of files of the container's writable layer exceeds the limit of 2"},
		"path bytes": {Limits{PathBytes: 5}, "bytes of paths of the container's writable layer exceeds the limit of 5"},
	} {
		_, err := collect(t, up.root, Options{Limits: tt.l})
		var exceeded *limits.ExceededError
		if !errors.As(err, &exceeded) || image.CauseOf(err) != fact.Limit || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := lines(t, up.root, Options{Limits: Limits{Hashed: 100, Depth: 2}})
	want := []string{
		"/d, dir 755", "/d/e, dir 755",
		`/d/e/f, error: read "/d/e/f": depth of a path is 3 and exceeds the limit of 2`,
		`/x, file 644, error: read "/x": bytes of files of the container's writable layer is 600 and exceeds the limit of 100`,
		"/y, file 644 =y",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Only the first bytes are kept, and all of them are hashed.
func TestLongFile(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	content := strings.Repeat("0123456789abcdef", 40_000)
	up.file("long", content)
	var got observe.Entry
	err := Walk(t.Context(), up.root, Options{Form: FormKernelUser}, func(w observe.Written) error {
		got = w.Entry
		return nil
	})
	if err != nil || got.Digest != digest(content) || string(got.Head) != content[:headBytes] || got.Size != int64(len(content)) {
		t.Errorf("error %v, digest %s, %d bytes, head of %d", err, got.Digest, got.Size, len(got.Head))
	}
}

// The walk changes nothing, not even when a file was last read.
func TestAccessTimeStays(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.file("a", "a")
	before := atime(t, up.path("a"))
	lines(t, up.root, Options{Form: FormKernelUser})
	if after := atime(t, up.path("a")); after != before {
		t.Errorf("access time moved from %v to %v", before, after)
	}
}
