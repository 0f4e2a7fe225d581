package cache_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/cache"
)

// content is long enough for several chunks.
var content = bytes.Repeat([]byte("one fact after another; "), 8000)

// Every change of an entry is a miss, and the entry is removed.
func TestTampering(t *testing.T) {
	t.Parallel()
	const header, chunk = 32, 5 + 64<<10 + 32
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte {
			if i < 0 {
				i += len(b)
			}
			b[i] ^= 1
			return b
		}
	}
	tests := map[string]func([]byte) []byte{
		"magic":           flip(0),
		"time":            flip(9),
		"nonce":           flip(20),
		"length":          flip(header + 3),
		"last_mark":       flip(header + 4),
		"data":            flip(header + 100),
		"code":            flip(header + chunk - 1),
		"data_at_the_end": flip(-40),
		"last_code":       flip(-1),
		"empty":           func([]byte) []byte { return nil },
		"header_only":     func(b []byte) []byte { return b[:header] },
		"half":            func(b []byte) []byte { return b[:len(b)/2] },
		"chunk_missing":   func(b []byte) []byte { return slices.Delete(b, header, header+chunk) },
		"without_its_end": func(b []byte) []byte { return b[:header+2*chunk] },
		"chunks_swapped": func(b []byte) []byte {
			first := bytes.Clone(b[header : header+chunk])
			copy(b[header:], b[header+chunk:header+2*chunk])
			copy(b[header+chunk:], first)
			return b
		},
		"chunk_twice":  func(b []byte) []byte { return slices.Insert(b, header, b[header:header+chunk]...) },
		"bytes_after":  func(b []byte) []byte { return append(b, 0) },
		"entry_after":  func(b []byte) []byte { return append(b, b[header:]...) },
		"huge_length":  func(b []byte) []byte { copy(b[header:], "\xff\xff\xff\xff"); return b },
		"not_an_entry": func([]byte) []byte { return []byte(`{"facts": []}`) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			c := open(t, o)
			put(t, c, "layer", "k", content)
			file := files(t, o.Dir)[0]
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, ok := get(t, c, "layer", "k"); ok {
				t.Error("a changed entry is believed")
			}
			if left := files(t, o.Dir); len(left) != 0 {
				t.Errorf("it is still there: %q", left)
			}
			put(t, c, "layer", "k", content)
			if got, _, ok := get(t, c, "layer", "k"); !ok || !bytes.Equal(got, content) {
				t.Error("it cannot be written anew")
			}
		})
	}
}

// The entry of one key in the place of another's is a miss.
func TestMovedEntry(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	put(t, c, "layer", "clean", []byte("no finding"))
	clean := files(t, o.Dir)[0]
	put(t, c, "layer", "bad", []byte("a finding"))
	for _, name := range files(t, o.Dir) {
		if name == clean {
			continue
		}
		if err := os.Rename(clean, name); err != nil {
			t.Fatal(err)
		}
	}
	if b, _, ok := get(t, c, "layer", "bad"); ok {
		t.Errorf("got %q of another key", b)
	}
}

// Bytes that change between the check and the read are not handed out.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	put(t, c, "layer", "k", content)
	r, _, ok := c.Get("layer", "k")
	if !ok {
		t.Fatal("a miss")
	}
	defer func() { _ = r.Close() }()
	file := files(t, o.Dir)[0]
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("!"), 150_000)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err == nil {
		t.Error("the change is not noticed")
	}
	if !bytes.HasPrefix(content, got) {
		t.Error("changed bytes were handed out")
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, o *cache.Options)
		text    string
	}{
		{"key_within_the_cache", func(_ *testing.T, o *cache.Options) { o.KeyFile = filepath.Join(o.Dir, "keys", "k") }, "inside of the cache folder"},
		{"key_open_to_others", func(t *testing.T, o *cache.Options) { writeKey(t, o.KeyFile, 32, 0o644) }, "can be used by others"},
		{"key_too_short", func(t *testing.T, o *cache.Options) { writeKey(t, o.KeyFile, 16, 0o600) }, "16 bytes"},
		{"key_is_a_folder", func(t *testing.T, o *cache.Options) { mkdir(t, o.KeyFile) }, "no regular file"},
		{"cache_is_a_file", func(t *testing.T, o *cache.Options) { writeKey(t, o.Dir, 1, 0o600) }, "not a directory"},
		{"no_version", func(_ *testing.T, o *cache.Options) { o.Version = "" }, "version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			tt.prepare(t, &o)
			c, err := cache.Open(o)
			var w *cache.Warning
			if !errors.As(err, &w) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want a warning with %q", err, tt.text)
			}
			if _, _, ok := c.Get("layer", "k"); ok || c.Put("layer", "k").Commit() != nil {
				t.Error("what Open returns cannot be used as a cache without entries")
			}
		})
	}
}

// A cache that cannot be written to still answers, and writing warns.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	put(t, c, "layer", "k", content)
	// A file where the folder of unfinished entries is to be: works for root, too.
	tmp := filepath.Join(o.Dir, "tmp")
	if err := os.Remove(tmp); err != nil {
		t.Fatal(err)
	}
	writeKey(t, tmp, 1, 0o600)
	w := c.Put("layer", "other")
	if n, err := w.Write(content); n != len(content) || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	var warning *cache.Warning
	if err := w.Commit(); !errors.As(err, &warning) {
		t.Errorf("commit: %v, want a warning", err)
	}
	w.Abort()
	if got, _, ok := get(t, c, "layer", "k"); !ok || !bytes.Equal(got, content) {
		t.Error("the entry that was there is not found")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	o := options(t)
	open(t, o)
	info, err := os.Stat(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 || info.Size() != 32 {
		t.Errorf("key file: mode %v, %d bytes", info.Mode(), info.Size())
	}
	first, err := os.ReadFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	open(t, o)
	second, err := os.ReadFile(o.KeyFile)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the key changed: %v", err)
	}
	if left := files(t, filepath.Dir(o.KeyFile)); len(left) != 1 {
		t.Errorf("beside the key: %q", left)
	}
}

// What a killed process left is removed when it is old enough not to be written
// any more.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	o := options(t)
	c := open(t, o)
	w := c.Put("layer", "k")
	_, _ = w.Write(content) // and never committed
	left := files(t, o.Dir)
	if len(left) != 1 {
		t.Fatalf("unfinished: %q", left)
	}
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{time.Hour, 1}, {25 * time.Hour, 0}} {
		if err := os.Chtimes(left[0], noon.Add(-tt.age), noon.Add(-tt.age)); err != nil {
			t.Fatal(err)
		}
		open(t, o)
		if n := len(files(t, o.Dir)); n != tt.want {
			t.Errorf("after %s: %d files, want %d", tt.age, n, tt.want)
		}
	}
	if err := w.Commit(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("commit of an entry whose file is gone: %v", err)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte("intact1\n"), 0)
	f.Add(make([]byte, 200), 40)
	f.Fuzz(func(t *testing.T, b []byte, where int) {
		o := options(t)
		c := open(t, o)
		put(t, c, "layer", "k", content)
		file := files(t, o.Dir)[0]
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		if where >= 0 && where < len(bad) {
			copy(bad[where:], b)
		} else {
			bad = b
		}
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := get(t, c, "layer", "k"); ok != bytes.Equal(good, bad) {
			t.Fatalf("found: %v; unchanged: %v", ok, bytes.Equal(good, bad))
		}
	})
}

func writeKey(t *testing.T, name string, size int, mode os.FileMode) {
	t.Helper()
	mkdir(t, filepath.Dir(name))
	if err := os.WriteFile(name, make([]byte, size), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o700); err != nil {
		t.Fatal(err)
	}
}
