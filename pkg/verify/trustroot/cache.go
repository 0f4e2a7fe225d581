package trustroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	f, err := os.Open(filepath.Join(opts.CacheDir, copyName))
	if err != nil {
		return nil, fmt.Errorf("no copy: %w", err)
	}
	defer f.Close()
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
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(opts.CacheDir, copyName))
}
