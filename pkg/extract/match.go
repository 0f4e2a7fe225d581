package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/intact-dev/intact/pkg/fact"
	"golang.org/x/sync/errgroup"
)

// A match is a file and the extractors that want it.
type match struct {
	path   string
	by     []int // indexes of Options.Extractors
	binary bool
	err    error // its beginning could not be read
}

// match asks the extractors which files they want, and keeps those that one does.
func (w *walker) match(ctx context.Context) error {
	var g errgroup.Group
	var next atomic.Int64
	for range max(2, w.options.Jobs) {
		g.Go(func() error {
			head := make([]byte, HeadSize)
			for i := next.Add(1) - 1; i < int64(len(w.matched)); i = next.Add(1) - 1 {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				w.ask(&w.matched[i], head)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	wanted := w.matched[:0]
	for _, m := range w.matched {
		switch {
		case m.err != nil:
			w.problem(m.path, fact.Forbidden, cause(m.err).Error())
		case len(m.by) > 0:
			wanted = append(wanted, m)
		default:
			w.passed(m)
		}
	}
	w.matched = wanted
	return nil
}

// passed counts a file that no extractor wants.
func (w *walker) passed(m match) {
	if m.binary {
		w.tree.Passed.Binary++
	} else {
		w.tree.Passed.Other++
	}
	if w.byName[m.path] {
		w.unread(m.path)
	}
}

// ask asks about one file. The space for its beginning is used again.
func (w *walker) ask(m *match, space []byte) {
	head, err := readHead(w.fsys, m.path, space)
	if err != nil {
		m.err = err
		return
	}
	for i, e := range w.options.Extractors {
		if e.Match(m.path, head) {
			m.by = append(m.by, i)
		}
	}
	m.binary = bytes.IndexByte(head, 0) >= 0
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
