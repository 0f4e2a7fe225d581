package layer

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// overrun is how far past the descriptor's size a body is read to say that it
// is too long. An endless body ends there.
const overrun = 64 << 10

// A source is the compressed bytes as they come: counted, hashed, never more
// than the descriptor said.
type source struct {
	ctx      context.Context
	r        io.Reader
	hash     hash.Hash
	like     ref.Digest
	want, n  int64
	extra    int64 // bytes past want that were read
	err      error // other than io.EOF: the bytes were not obtained
	eof      bool
	progress func(int64)
}

func newSource(ctx context.Context, r io.Reader, d ref.Descriptor, progress func(int64)) *source {
	return &source{ctx: ctx, r: r, hash: newHash(d.Digest), like: d.Digest, want: d.Size, progress: progress}
}

// newHash returns the hash of like's algorithm; sha256 if it has none.
func newHash(like ref.Digest) hash.Hash {
	if like.Algorithm() == "sha512" {
		return sha512.New()
	}
	return sha256.New()
}

func digestOf(h hash.Hash, like ref.Digest) ref.Digest {
	algorithm := "sha256"
	if like.Algorithm() == "sha512" {
		algorithm = "sha512"
	}
	return ref.Digest(algorithm + ":" + hex.EncodeToString(h.Sum(nil)))
}

// Read reads up to the descriptor's size.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.eof || s.n >= s.want {
		return 0, io.EOF
	}
	if left := s.want - s.n; int64(len(p)) > left {
		p = p[:left]
	}
	return s.read(p)
}

func (s *source) read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	if n < 0 || n > len(p) {
		s.err = errors.New("the reader returned an impossible count")
		return 0, s.err
	}
	s.hash.Write(p[:n])
	s.n += int64(n)
	if s.progress != nil && n > 0 {
		s.progress(int64(n))
	}
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		s.eof = true
	case err != nil:
		s.err = err
	}
	return n, err
}

// finish reads what is left, and a little more to see that there is no more.
func (s *source) finish() error {
	buf := make([]byte, 32<<10)
	idle := 0
	for s.err == nil && !s.eof && s.n < s.want+overrun {
		n, _ := s.read(buf)
		if n > 0 {
			idle = 0
		} else if idle++; idle > 100 && !s.eof && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
	s.extra = max(0, s.n-s.want)
	return s.err
}

// report writes what is known about the compressed bytes into f.
func (s *source) report(f *fact.Layer) {
	f.Digest, f.Size = digestOf(s.hash, s.like), s.n
	switch {
	case s.n > s.want && !s.eof:
		f.Problems = append(f.Problems, fact.Problem{Kind: fact.ProblemSize,
			Detail: fmt.Sprintf("more than the %d bytes of the descriptor came; reading stopped after %d", s.want, s.n)})
	case s.n != s.want:
		f.Problems = append(f.Problems, fact.Problem{Kind: fact.ProblemSize,
			Detail: fmt.Sprintf("%d bytes came, the descriptor says %d", s.n, s.want)})
	}
}
