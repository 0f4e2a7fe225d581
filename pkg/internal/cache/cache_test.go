package cache_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/internal/cache"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// options are those of a cache in a folder of its own.
func options(t *testing.T) cache.Options {
	t.Helper()
	dir := t.TempDir()
	return cache.Options{Dir: filepath.Join(dir, "cache"), KeyFile: filepath.Join(dir, "config", "cache.key"), Version: "1", Now: at(noon)}
}

func open(t *testing.T, o cache.Options) *cache.Cache {
	t.Helper()
	c, err := cache.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func put(t *testing.T, c *cache.Cache, kind, key string, b []byte) {
	t.Helper()
	w := c.Put(kind, key)
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, c *cache.Cache, kind, key string) ([]byte, time.Time, bool) {
	t.Helper()
	r, seen, ok := c.Get(kind, key)
	if !ok {
		return nil, time.Time{}, false
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b, seen, true
}

// files returns the names of all files of a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := open(t, options(t))
	for _, size := range []int{0, 1, 1000, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		want := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		w := c.Put("layer", "k")
		for rest := want; len(rest) > 0; { // in pieces that do not fit the chunks
			n := min(len(rest), 10_007)
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		w.Abort() // does nothing any more
		got, seen, ok := get(t, c, "layer", "k")
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: found %v, %d bytes", size, ok, len(got))
		}
		if !seen.Equal(noon) {
			t.Errorf("seen %s, want %s", seen, noon)
		}
	}
}

func TestMisses(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	put(t, c, "layer", "sha256:aa", []byte("facts"))
	for _, k := range [][2]string{{"manifest", "sha256:aa"}, {"layer", "sha256:ab"}, {"layersha256:", "aa"}, {"", ""}, {"../..", "../../etc/passwd"}} {
		if _, _, ok := get(t, c, k[0], k[1]); ok {
			t.Errorf("%q is found", k)
		}
	}
	newer := o
	newer.Version = "2"
	if _, _, ok := get(t, open(t, newer), "layer", "sha256:aa"); ok {
		t.Error("facts of another analyser version are found")
	}
	other := o
	other.KeyFile = filepath.Join(t.TempDir(), "cache.key")
	if _, _, ok := get(t, open(t, other), "layer", "sha256:aa"); ok {
		t.Error("facts written with another key are found")
	}
	if _, _, ok := get(t, c, "layer", "sha256:aa"); !ok {
		t.Error("the entry is gone")
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	put(t, c, "layer", "k", []byte("old"))
	w := c.Put("layer", "k")
	_, _ = w.Write(make([]byte, 1<<20))
	if got, _, _ := get(t, c, "layer", "k"); string(got) != "old" {
		t.Errorf("while another is written: %q", got)
	}
	w.Abort()
	if got, _, _ := get(t, c, "layer", "k"); string(got) != "old" {
		t.Errorf("after it was aborted: %q", got)
	}
	if n := len(files(t, o.Dir)); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

func TestNilCache(t *testing.T) {
	t.Parallel()
	var c *cache.Cache
	w := c.Put("layer", "k")
	if n, err := w.Write([]byte("x")); n != 1 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	if err := w.Commit(); err != nil {
		t.Error(err)
	}
	if _, _, ok := c.Get("layer", "k"); ok {
		t.Error("found in no cache")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// The least recently used entries go first, and looking counts as use.
func TestPrune(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.MaxBytes = 10_000
	for i, key := range []string{"a", "b", "c", "d"} {
		o.Now = at(noon.Add(time.Duration(i) * time.Hour))
		put(t, open(t, o), "layer", key, make([]byte, 2000))
	}
	o.Now = at(noon.Add(8 * time.Hour))
	c := open(t, o)
	if _, _, ok := get(t, c, "layer", "a"); !ok {
		t.Fatal("a is not there")
	}
	put(t, c, "layer", "e", make([]byte, 2000))
	put(t, c, "layer", "f", make([]byte, 2000))
	have := map[string]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		_, _, have[key] = get(t, c, "layer", key)
	}
	want := map[string]bool{"a": true, "b": false, "c": false, "d": true, "e": true, "f": true}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.MaxBytes = 300_000
	var g sync.WaitGroup
	for i := range 4 {
		c := open(t, o) // as if each were a process
		g.Go(func() {
			for n := range 40 {
				key := string(rune('a' + n%7))
				w := c.Put("layer", key)
				_, _ = w.Write(bytes.Repeat([]byte(key), 20_000+i))
				if err := w.Commit(); err != nil {
					t.Error(err)
				}
				r, _, ok := c.Get("layer", key)
				if !ok {
					continue // pruned by another
				}
				b, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close()); err != nil || len(bytes.Trim(b, key)) != 0 || len(b) < 20_000 {
					t.Errorf("entry %s: %d bytes, %v", key, len(b), err)
				}
			}
		})
	}
	g.Wait()
}
