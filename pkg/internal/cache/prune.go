package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// leftover is the age at which an unfinished entry counts as left behind by a
// process that was killed; no scan takes so long.
const leftover = 24 * time.Hour

// sweep removes what killed processes left behind.
func (c *Cache) sweep() {
	old := c.now().Add(-leftover)
	unfinished, err := fs.ReadDir(c.root.FS(), tempDir)
	if err != nil {
		return // not there, or of no use: Put will tell
	}
	for _, e := range unfinished {
		if info, err := e.Info(); err == nil && info.ModTime().Before(old) {
			_ = c.root.Remove(tempDir + "/" + e.Name())
		}
	}
}

// grown counts n more bytes and prunes if they are too many. Other processes
// write as well, so the sum is an estimate until it is counted anew.
func (c *Cache) grown(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= 0 && c.size+n <= c.max {
		c.size += n
		return nil
	}
	return c.prune()
}

type file struct {
	name string
	size int64
	used time.Time
}

// prune counts all entries and removes those that were not used for the longest
// time, until a tenth of the room is free.
func (c *Cache) prune() error {
	var files []file
	total := int64(0)
	err := fs.WalkDir(c.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed by another process
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == tempDir {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // likewise
		}
		files = append(files, file{name, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	if total > c.max {
		slices.SortFunc(files, func(a, b file) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.name, b.name)) })
		for _, f := range files {
			if total <= c.max-c.max/10 {
				break
			}
			if err := c.root.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			total -= f.size
		}
	}
	c.size = total
	return nil
}
