package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"golang.org/x/sync/errgroup"
)

// A foundFile is one that the extractors are asked about.
type foundFile struct {
	path  string
	named bool // by somebody
}

// ask asks the extractors which of the files in w.found they want, while these
// are found: only those that one wants are kept. The func it returns waits until
// all have been asked about.
func (w *walker) ask(ctx context.Context) func() error {
	w.found = make(chan foundFile, 64)
	var g errgroup.Group
	for range max(2, w.options.Jobs) {
		g.Go(func() error {
			space := make([]byte, HeadSize)
			for f := range w.found {
				if ctx.Err() == nil {
					w.match(f, space)
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait
}

// match asks about one file. The space for its beginning is used again.
func (w *walker) match(f foundFile, space []byte) {
	head, err := readHead(w.fsys, f.path, space)
	if err != nil {
		w.problem(f.path, fact.Forbidden, cause(err).Error())
		return
	}
	var by []int
	for i, e := range w.options.Extractors {
		if e.Match(f.path, head) {
			by = append(by, i)
		}
	}
	if len(head) == HeadSize && late(f.path) {
		by = w.matchWhole(f, by)
	}
	if len(by) == 0 {
		w.passed(f, bytes.IndexByte(head, 0) >= 0)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted++
	for _, i := range by {
		w.by[i] = append(w.by[i], f.path)
	}
}

// late reports whether files with the ending of p have their keys in any order, so
// that what they are may stand behind their beginning.
func late(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml", ".json", ".template":
		return true
	}
	return false
}

// matchWhole shows the whole file to the extractors that do not know it by its
// beginning, and returns all that want it. What cannot be read here is told by
// those that read it. One that somebody named is wanted only by those that know it
// by all of it: that some read any long file must not hide that none knows it.
func (w *walker) matchWhole(f foundFile, by []int) []int {
	data, err := ReadFile(w.fsys, f.path)
	if err != nil {
		return by
	}
	known := false
	for i, e := range w.options.Extractors {
		before := slices.Contains(by, i)
		if before && (known || !f.named) {
			continue
		}
		if e.Match(f.path, data) {
			known = true
			if !before {
				by = append(by, i)
			}
		}
	}
	if f.named && !known {
		return nil
	}
	return by
}

// passed counts a file that no extractor wants.
func (w *walker) passed(f foundFile, binary bool) {
	w.mu.Lock()
	if binary {
		w.tree.Passed.Binary++
	} else {
		w.tree.Passed.Other++
	}
	w.mu.Unlock()
	if f.named {
		w.unread(f.path)
	}
}

func readHead(fsys fs.FS, p string, head []byte) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}
