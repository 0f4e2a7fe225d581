package trustroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// copyOf is all files of one good update. One file holds it, so that whatever
// happens to the process the copy is an old one or a new one.
type copyOf struct {
	Fetched time.Time         `json:"fetched"`
	URL     string            `json:"url"`
	Files   map[string][]byte `json:"files"` // by path below URL
}

// A copy is metadata of a few roles and one target: about 100 KiB.
const maxCopy = 16 << 20

const copyName = "trust-root.json"

func fromCache(ctx context.Context, opts Options) ([]byte, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	kept, err := load(opts)
	if err != nil {
		return nil, Info{}, err
	}
	info := Info{Source: FromCache, At: kept.Fetched}
	body, u, err := update(opts, disk{opts.URL, kept.Files}, opts.Now)
	if err != nil {
		return nil, info, fmt.Errorf("the copy of %s is not usable: %w", kept.Fetched.Format(time.DateOnly), err)
	}
	info.Expires = expires(u)
	return body, info, nil
}

func load(opts Options) (*copyOf, error) {
	if opts.CacheDir == "" {
		return nil, errors.New("no copy is kept")
	}
	// Without O_NONBLOCK a pipe in the place of the copy would block for ever.
	f, err := os.OpenFile(filepath.Join(opts.CacheDir, copyName), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("no copy: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read copy: %q is no regular file", f.Name())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCopy+1))
	if err != nil {
		return nil, fmt.Errorf("read copy: %w", err)
	}
	if len(b) > maxCopy {
		return nil, fmt.Errorf("read copy: it has more than %d bytes", maxCopy)
	}
	var kept copyOf
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, fmt.Errorf("read copy: %w", err)
	}
	if kept.URL != opts.URL {
		return nil, fmt.Errorf("the copy is of %q", kept.URL)
	}
	return &kept, nil
}

func save(opts Options, c copyOf) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(opts.CacheDir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(opts.CacheDir, copyName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	sweep(opts.CacheDir, f)
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(opts.CacheDir, copyName))
}

// leftover is the age at which an unfinished copy counts as left behind by a
// process that was killed; no refresh takes so long.
const leftover = 24 * time.Hour

// sweep removes what killed processes left in dir, where fresh was just made: the
// clock is that of the file system.
func sweep(dir string, fresh *os.File) {
	made, err := fresh.Stat()
	if err != nil {
		return
	}
	old := made.ModTime().Add(-leftover)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it stays until it can be read
	}
	for _, e := range entries {
		suffix, ours := strings.CutPrefix(e.Name(), copyName+".")
		if !ours || suffix == "" || strings.Trim(suffix, "0123456789") != "" || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && info.ModTime().Before(old) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
