package cache_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/cache"
)

// BenchmarkGet reads an entry of 16 MiB, the facts of a large layer: every byte
// is authenticated twice.
func BenchmarkGet(b *testing.B) {
	c, big := benchCache(b)
	w := c.Put("layer", "k")
	_, _ = w.Write(big)
	if err := w.Commit(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		r, _, ok := c.Get("layer", "k")
		if !ok {
			b.Fatal("a miss")
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != int64(len(big)) {
			b.Fatal(n, err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetSmall is what a second scan does for each platform.
func BenchmarkGetSmall(b *testing.B) {
	c, big := benchCache(b)
	w := c.Put("platform", "k")
	_, _ = w.Write(big[:8<<10])
	if err := w.Commit(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, _, ok := c.Get("platform", "k")
		if !ok {
			b.Fatal("a miss")
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		_ = r.Close()
	}
}

func BenchmarkPut(b *testing.B) {
	c, big := benchCache(b)
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		w := c.Put("layer", "k")
		_, _ = w.Write(big)
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchCache(b *testing.B) (*cache.Cache, []byte) {
	b.Helper()
	dir := b.TempDir()
	c, err := cache.Open(cache.Options{Dir: filepath.Join(dir, "cache"), KeyFile: filepath.Join(dir, "cache.key"), Version: "1"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c, make([]byte, 16<<20)
}
