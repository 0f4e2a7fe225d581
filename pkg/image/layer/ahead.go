package layer

import (
	"io"
	"sync"
)

// Pieces of the source are read and hashed whole. As many may wait to be
// expanded as a decoder takes while another goroutine has its turn.
const (
	pieceSize  = 64 << 10
	pieceCount = 16
)

var piecePool = sync.Pool{New: func() any { b := make([]byte, pieceSize); return &b }}

// An ahead reads a source to its end in a goroutine of its own: bytes are
// fetched and hashed while those before them are expanded. Its methods belong
// to one other goroutine.
type ahead struct {
	src       *source
	full      chan []byte
	free      chan []byte
	made      int
	cur, held []byte // what is left of the piece at hand, and all of it
	n         int64  // bytes handed out
	err       error  // set before full is closed; nil if all bytes came
}

func readAhead(src *source) *ahead {
	a := &ahead{src: src, full: make(chan []byte, pieceCount), free: make(chan []byte, pieceCount)}
	go a.run()
	return a
}

func (a *ahead) run() {
	defer close(a.full)
	a.err = guard(func() error {
		for {
			b := a.piece()
			n, err := fill(a.src, b)
			a.full <- b[:n]
			if err != nil {
				return a.src.finish()
			}
		}
	})
}

// piece returns an empty piece to read into.
func (a *ahead) piece() []byte {
	select {
	case b := <-a.free:
		return b[:pieceSize]
	default:
	}
	if a.made < pieceCount {
		a.made++
		return *piecePool.Get().(*[]byte)
	}
	return (<-a.free)[:pieceSize]
}

// Read returns the next bytes, and at their end why there are no more.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.cur) == 0 {
		if !a.next() {
			if a.err != nil {
				return 0, a.err
			}
			return 0, io.EOF
		}
	}
	n := copy(p, a.cur)
	a.cur = a.cur[n:]
	a.n += int64(n)
	return n, nil
}

func (a *ahead) next() bool {
	if a.held != nil {
		a.free <- a.held
	}
	b, ok := <-a.full
	a.held, a.cur = b, b
	return ok
}

// finish waits until the source was read to its end, whatever is made of the
// bytes. The end of the source's context ends it early. a must not be used any
// more.
func (a *ahead) finish() error {
	for a.next() {
	}
	for ; len(a.free) > 0; a.made-- {
		b := (<-a.free)[:pieceSize]
		piecePool.Put(&b)
	}
	return a.err
}
