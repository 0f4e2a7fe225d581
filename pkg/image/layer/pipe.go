package layer

import (
	"context"
	"sync"

	"github.com/intact-dev/intact/pkg/internal/inflate"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// Blocks fit the second-level cache; four of them let the two goroutines of a
// layer run apart by a mebibyte.
const (
	blockSize  = 256 << 10
	blockCount = 4

	// pipeLength is how many blocks there may be of either kind, so that sending
	// one on or back never waits.
	pipeLength = blockCount + inflate.Kept + 1
)

var blockPool = sync.Pool{New: func() any { b := make([]byte, blockSize); return &b }}

// A pipe carries expanded bytes from the goroutine that expands to the one
// that hashes and walks, either in blocks of the pool or in those of a decoder
// that lends its own. Every block comes back.
type pipe struct {
	ctx    context.Context
	full   chan []byte
	free   chan []byte
	made   int // blocks of the pool
	lent   int // blocks of the decoder that have not come back
	budget *Budget
	in     *ahead
	total  int64
	// same says that the expanded bytes are the compressed ones, whose hash is
	// made elsewhere. It is set before the first block is sent.
	same bool
}

func newPipe(ctx context.Context, b *Budget, in *ahead) *pipe {
	return &pipe{ctx: ctx, budget: b, in: in, full: make(chan []byte, pipeLength), free: make(chan []byte, pipeLength)}
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
// the expanded size. A refused block comes back like any other.
func (p *pipe) send(b []byte) error {
	n := int64(len(b))
	p.total += n
	if err := p.budget.expand(n, p.total); err != nil {
		p.free <- b
		return err
	}
	if p.total > limits.ZstdRatioMin && p.total/limits.ZstdRatio > p.in.n {
		p.free <- b
		return &limits.ExceededError{What: "ratio of expanded to compressed bytes", Limit: limits.ZstdRatio, Got: p.total / max(1, p.in.n)}
	}
	select {
	case p.full <- b:
		return nil
	case <-p.ctx.Done():
		p.free <- b
		return p.ctx.Err()
	}
}

// lend hands on a block that is the decoder's own. It returns when so many have
// come back that the decoder may make the next.
func (p *pipe) lend(b []byte) error {
	p.lent++
	if err := p.send(b); err != nil {
		return err
	}
	p.await(inflate.Kept)
	return nil
}

// await waits until at most n blocks of the decoder are out.
func (p *pipe) await(n int) {
	for ; p.lent > n; p.lent-- {
		<-p.free
	}
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
	for ; p.made > 0; p.made-- {
		select {
		case b := <-p.free:
			b = b[:blockSize]
			blockPool.Put(&b)
		default: // lost in a panic
			return
		}
	}
}
