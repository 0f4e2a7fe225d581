package layer

import (
	"context"
	"sync"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// Blocks fit the second-level cache; four of them let the two goroutines of a
// layer run apart by a mebibyte.
const (
	blockSize  = 256 << 10
	blockCount = 4
)

var blockPool = sync.Pool{New: func() any { b := make([]byte, blockSize); return &b }}

// A pipe carries expanded bytes from the goroutine that expands to the one
// that hashes and walks. Every block goes back to the pool.
type pipe struct {
	ctx    context.Context
	full   chan []byte
	free   chan []byte
	made   int
	budget *Budget
	src    *source
	total  int64
	// same says that the expanded bytes are the compressed ones, whose hash is
	// made elsewhere. It is set before the first block is sent.
	same bool
}

func newPipe(ctx context.Context, b *Budget, src *source) *pipe {
	return &pipe{ctx: ctx, budget: b, src: src, full: make(chan []byte, blockCount), free: make(chan []byte, blockCount)}
}

// next returns an empty block to write into.
func (p *pipe) next() ([]byte, error) {
	select {
	case b := <-p.free:
		return b[:blockSize], nil
	default:
	}
	if p.made < blockCount {
		p.made++
		return (*blockPool.Get().(*[]byte))[:blockSize], nil
	}
	select {
	case b := <-p.free:
		return b[:blockSize], nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

// send hands on a block, or refuses it when a limit is reached: what counts is
// the expanded size.
func (p *pipe) send(b []byte) error {
	n := int64(len(b))
	p.total += n
	if err := p.budget.expand(n, p.total); err != nil {
		p.free <- b
		return err
	}
	if p.total > limits.ZstdRatioMin && p.total/limits.ZstdRatio > p.src.n {
		p.free <- b
		return &limits.ExceededError{What: "ratio of expanded to compressed bytes", Limit: limits.ZstdRatio, Got: p.total / max(1, p.src.n)}
	}
	select {
	case p.full <- b:
		return nil
	case <-p.ctx.Done():
		p.free <- b
		return p.ctx.Err()
	}
}

// write sends a copy of b.
func (p *pipe) write(b []byte) error {
	for len(b) > 0 {
		block, err := p.next()
		if err != nil {
			return err
		}
		n := copy(block, b)
		if err := p.send(block[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// close says that nothing more will be sent.
func (p *pipe) close() { close(p.full) }

// receive returns the next block; false at the end.
func (p *pipe) receive() ([]byte, bool) { b, ok := <-p.full; return b, ok }

func (p *pipe) release(b []byte) { p.free <- b }

// drain discards what is left and returns when the sender has closed.
func (p *pipe) drain() {
	for b := range p.full {
		p.release(b)
	}
}

// recycle gives the blocks back to the process. Both sides have ended.
func (p *pipe) recycle() {
	for {
		select {
		case b := <-p.free:
			b = b[:blockSize]
			blockPool.Put(&b)
		default:
			return
		}
	}
}
