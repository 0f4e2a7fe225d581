// Package cache keeps facts between scans: files in a folder that need not be
// trusted. Every entry is authenticated with HMAC-SHA256 under a key that lies
// outside of the folder. An entry without a right code, or of another kind, key
// or analyser version, is a miss, and is removed.
//
// A cache never fails a scan: what goes wrong is a [Warning].
package cache

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DefaultMaxBytes holds the facts of some thousand images.
const DefaultMaxBytes = 1 << 30

// Options say where a cache is and what it holds. Dir, KeyFile and Version are
// needed.
type Options struct {
	Dir     string // created with mode 0700
	KeyFile string // outside of Dir; created with mode 0600 and a random key
	// Version is the analyser's: facts of another one are misses.
	Version  string
	MaxBytes int64            // 0 means DefaultMaxBytes
	Now      func() time.Time // when bytes were seen; nil means time.Now
}

// A Warning is something that went wrong with the cache and harms nothing but
// speed.
type Warning struct {
	Op  string // "open cache"
	Err error
}

// Error returns operation and cause.
func (w *Warning) Error() string { return w.Op + ": " + w.Err.Error() }

// Unwrap returns the cause.
func (w *Warning) Unwrap() error { return w.Err }

// A Cache is a folder of entries. It may be used concurrently, by several
// processes. A nil Cache has no entries and takes none.
type Cache struct {
	root    *os.Root
	key     []byte
	version string
	max     int64
	now     func() time.Time

	mu   sync.Mutex
	size int64 // of all entries; negative until they were counted
}

// Open opens or creates a cache. The error is a [*Warning]; the Cache is then
// nil, which is one without entries.
func Open(o Options) (*Cache, error) {
	c, err := open(o)
	if err != nil {
		return nil, &Warning{Op: "open cache", Err: err}
	}
	return c, nil
}

func open(o Options) (*Cache, error) {
	if o.Dir == "" || o.KeyFile == "" || o.Version == "" {
		return nil, errors.New("a folder, a key file and a version are needed")
	}
	if within(o.Dir, o.KeyFile) {
		return nil, fmt.Errorf("key file %q is inside of the cache folder: whoever can write entries could make codes for them", o.KeyFile)
	}
	key, err := loadKey(o.KeyFile)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cache{root: root, key: key, version: o.Version, max: o.MaxBytes, now: o.Now, size: -1}
	if c.max <= 0 {
		c.max = DefaultMaxBytes
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.sweep()
	return c, nil
}

// Close releases the folder.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.root.Close()
}

func within(dir, file string) bool {
	d, err1 := filepath.Abs(dir)
	f, err2 := filepath.Abs(file)
	if err1 != nil || err2 != nil {
		return true
	}
	rel, err := filepath.Rel(d, f)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// name is where an entry lies: nothing of kind and key gets into a path.
func (c *Cache) name(kind, key string) string {
	h := hex.EncodeToString(c.derive("name", kind, key, nil))
	return h[:2] + "/" + h[2:]
}

// derive authenticates what an entry is for, with the key.
func (c *Cache) derive(purpose, kind, key string, header []byte) []byte {
	m := hmac.New(sha256.New, c.key)
	for _, s := range []string{purpose, c.version, kind, key, string(header)} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		m.Write(n[:])
		m.Write([]byte(s))
	}
	return m.Sum(nil)
}

// Get opens the entry for key, with the time at which its content was seen. The
// whole entry was authenticated when Get returns, and each part again before
// Read hands it out: bytes changed in between are an error of Read. The caller
// closes the reader.
func (c *Cache) Get(kind, key string) (io.ReadCloser, time.Time, bool) {
	if c == nil {
		return nil, time.Time{}, false
	}
	name := c.name(kind, key)
	f, err := c.openEntry(name)
	if err != nil {
		return nil, time.Time{}, false
	}
	r, seen, err := c.verified(f, kind, key)
	if err != nil {
		_ = f.Close()
		// Another process may have put a good one there since; that costs a miss.
		_ = c.root.Remove(name)
		return nil, time.Time{}, false
	}
	c.touch(name, f)
	return r, seen, true
}

func (c *Cache) openEntry(name string) (*os.File, error) {
	// Without O_NONBLOCK a pipe in the place of an entry would block for ever.
	f, err := c.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, fs.ErrInvalid)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// verified reads the entry to its end, then goes back to its start.
func (c *Cache) verified(f *os.File, kind, key string) (io.ReadCloser, time.Time, error) {
	r, _, err := c.newReader(f, kind, key)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return c.newReader(f, kind, key)
}

// touch makes the entry the youngest for pruning; once an hour is enough.
func (c *Cache) touch(name string, f *os.File) {
	now := c.now()
	if info, err := f.Stat(); err == nil && now.Sub(info.ModTime()) > time.Hour {
		_ = c.root.Chtimes(name, now, now)
	}
}
