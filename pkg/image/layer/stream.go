package layer

import (
	"errors"
	"hash"
	"io"

	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/twosum"
)

// maxHeaders bounds the header blocks of one entry: archive/tar takes extended
// headers of 1 MiB each, but any number of them.
const maxHeaders = 4*limits.PAXBlock + 64<<10

// A stream hands the expanded bytes to archive/tar and sees all of them pass.
// It knows which bytes are content, which go into the file's hash without
// being copied (archive/tar skips them through Seek), and keeps the others,
// the header blocks, to be read a second time.
type stream struct {
	pipe *pipe
	diff hash.Hash // of all bytes, unless pipe.same
	cur  []byte    // unread part of block
	held []byte    // block to give back
	n    int64

	body, pad int64
	file      hash.Hash      // of the content; nil if nobody wants it
	two       *twosum.Writer // writes to both; nil: one after the other
	capture   *capture
	headers   []byte
	err       error // of our own: too many headers
}

// Read returns the next bytes. It never returns bytes of two kinds at once.
func (s *stream) Read(p []byte) (int, error) {
	b, err := s.take(int64(len(p)))
	return copy(p, b), err
}

// Seek moves forward only; archive/tar uses it to skip content.
func (s *stream) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.New("seek backwards in a stream")
	}
	for offset > 0 {
		b, err := s.take(offset)
		if err != nil {
			break // the reads that follow will tell
		}
		offset -= int64(len(b))
	}
	return s.n, nil
}

// take consumes up to n bytes and accounts for them.
func (s *stream) take(n int64) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if n == 0 {
		return nil, nil
	}
	for len(s.cur) == 0 {
		if !s.fill() {
			return nil, io.EOF
		}
	}
	n = min(n, int64(len(s.cur)))
	if s.body > 0 {
		n = min(n, s.body)
	} else if s.pad > 0 {
		n = min(n, s.pad)
	}
	b := s.cur[:n]
	s.cur = s.cur[n:]
	s.n += n
	switch {
	case s.body > 0:
		s.body -= n
		s.sum(b, s.file)
		if s.capture != nil {
			s.capture.Write(b)
		}
	case s.pad > 0:
		s.pad -= n
		s.sum(b, nil)
	default:
		s.sum(b, nil)
		if len(s.headers)+len(b) > maxHeaders {
			s.err = &limits.ExceededError{What: "size of the extended headers of one archive entry", Limit: maxHeaders}
			return nil, s.err
		}
		s.headers = append(s.headers, b...)
	}
	return b, nil
}

// release gives the block at hand back.
func (s *stream) release() {
	if s.held != nil {
		s.pipe.release(s.held)
		s.held, s.cur = nil, nil
	}
}

// sum hashes bytes that were consumed, file's if it is not nil.
func (s *stream) sum(b []byte, file hash.Hash) {
	switch {
	case s.pipe.same && file == nil:
	case s.pipe.same:
		file.Write(b)
	case file == nil:
		s.diff.Write(b)
	case s.two != nil:
		s.two.Write(s.diff, file, b)
	default:
		s.diff.Write(b)
		file.Write(b)
	}
}

// fill takes the next block.
func (s *stream) fill() bool {
	s.release()
	b, ok := s.pipe.receive()
	if !ok {
		return false
	}
	s.held, s.cur = b, b
	return true
}

// rest reads to the end and returns how many bytes there were, and whether all
// were zero.
func (s *stream) rest() (n int64, zero bool) {
	zero = true
	for {
		n += int64(len(s.cur))
		s.sum(s.cur, nil)
		zero = zero && allZero(s.cur)
		s.cur = nil
		if !s.fill() {
			return n, zero
		}
	}
}

// nextEntry forgets the header blocks of the entry before.
func (s *stream) nextEntry() {
	if cap(s.headers) > 64<<10 {
		s.headers = nil
	}
	s.headers = s.headers[:0]
}

// A capture keeps the beginning of a file's content.
type capture struct {
	buf   []byte
	limit int
	line  bool // stop at the first line, and unless it begins with #!
	done  bool
	over  bool
}

func (c *capture) Write(b []byte) (int, error) {
	if c.done {
		return len(b), nil
	}
	room := c.limit - len(c.buf)
	if len(b) > room {
		c.over, c.done = true, true
	}
	c.buf = append(c.buf, b[:min(len(b), room)]...)
	if c.line && len(c.buf) >= 2 && (c.buf[0] != '#' || c.buf[1] != '!') {
		c.buf, c.done = c.buf[:0], true
	}
	return len(b), nil
}
