package archive

import (
	"context"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// idleStreams is how many expanders are kept between reads; each holds about
// 50 KiB. It is the number of layers that are read at once by default.
const idleStreams = 4

// streams reaches offsets in a gzip stream by expanding up to them, from where
// an earlier reader stopped if that helps.
type streams struct {
	open func() *io.SectionReader
	mu   sync.Mutex
	idle []*counter
}

// at opens the size expanded bytes at offset.
func (s *streams) at(ctx context.Context, offset, size int64) (io.ReadCloser, error) {
	c, err := s.take(offset)
	if err != nil {
		return nil, err
	}
	c.ctx = ctx
	if _, err := io.CopyN(io.Discard, c, offset-c.n); err != nil {
		return nil, damaged(err)
	}
	return &window{s: s, c: c, left: size}, nil
}

// take returns the stream that is nearest before offset, or a new one.
func (s *streams) take(offset int64) (*counter, error) {
	s.mu.Lock()
	best := -1
	for i, c := range s.idle {
		if c.n <= offset && (best < 0 || c.n > s.idle[best].n) {
			best = i
		}
	}
	if best >= 0 {
		c := s.idle[best]
		s.idle = append(s.idle[:best], s.idle[best+1:]...)
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	zr, err := gzip.NewReader(s.open())
	if err != nil {
		return nil, malformed("%v", err)
	}
	return &counter{r: zr, max: limits.ImageExpanded}, nil
}

func (s *streams) giveBack(c *counter) {
	c.ctx = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == idleStreams {
		s.idle = s.idle[1:]
	}
	s.idle = append(s.idle, c)
}

// A window is one file in a stream.
type window struct {
	s      *streams
	c      *counter // nil once closed
	left   int64
	failed bool
}

func (w *window) Read(p []byte) (int, error) {
	if w.left == 0 || w.c == nil {
		return 0, io.EOF
	}
	n, err := w.c.Read(p[:min(int64(len(p)), w.left)])
	w.left -= int64(n)
	switch {
	case err == io.EOF && w.left == 0:
		err = nil
	case err != nil:
		w.failed = true
		err = damaged(err)
	}
	return n, err
}

// Close keeps the stream for the next reader.
func (w *window) Close() error {
	if w.c != nil && !w.failed {
		w.s.giveBack(w.c)
	}
	w.c = nil
	return nil
}

// A counter knows its position, ends with its context and at a limit.
type counter struct {
	ctx context.Context
	r   io.Reader
	n   int64
	max int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n > c.max {
		return n, &limits.ExceededError{What: "expanded size of the archive", Limit: c.max}
	}
	return n, err
}
