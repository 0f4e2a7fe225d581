package inflate

import (
	"hash/crc32"
	"io"
)

// Sizes of the buffers. Those of the arrays are powers of two, so that a mask
// is all the compiler needs to see that an index is inside; the slack behind
// them is for the words that are read and written at once.
const (
	window  = 32 << 10
	inSize  = 128 << 10
	inMask  = inSize - 1
	inSlack = 8

	outSize  = 1 << 20
	outMask  = outSize - 1
	outSlack = 64

	// A block is handed out when it passes a multiple of blockSize, and at outLimit:
	// up to four literals, one match and the bytes written beyond it fit behind.
	blockSize = 128 << 10
	outLimit  = outSize - 4 - 258 - 64

	// fastInput is how much input the fast loop wants to see at its begin, and
	// fastTurn what each turn wants: it takes up to 14 bytes and looks at 8 more.
	// The difference makes sure that every run has a turn.
	fastInput = 64
	fastTurn  = 32
	// readAtLeast is how much a fill asks of readers that give little at a time.
	readAtLeast = 4 << 10
)

// Kept is how many blocks stay as they are while the next is made: all but the
// one whose place the next takes, and the one into which that one may run over.
const Kept = outSize/blockSize - 2

// fill reads more input behind what is there. After it either at least
// fastInput bytes are there or r has no more.
func (d *Decoder) fill() error {
	if d.rerr != nil {
		return nil
	}
	if err := d.ctx.Err(); err != nil {
		return err
	}
	d.unload() // what is among the bits may have to be given back later
	d.before += int64(d.ip)
	d.iend = copy(d.in[:], d.in[d.ip:d.iend])
	d.ip = 0
	for idle, want := 0, d.iend+readAtLeast; d.iend < min(want, inSize) && d.rerr == nil; {
		n, err := d.r.Read(d.in[d.iend:inSize])
		if n < 0 || n > inSize-d.iend {
			n, err = 0, errInvalidRead
		}
		d.iend += n
		if n > 0 {
			idle = 0
		} else if idle++; err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
		d.rerr = err
	}
	return nil
}

// ended is the error for a stream that needs more than there is.
func (d *Decoder) ended() error {
	if d.rerr == nil || d.rerr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return d.rerr
}

// need makes at least n bytes of input available, as far as there are any.
func (d *Decoder) need(n int) error {
	if d.iend-d.ip >= n {
		return nil
	}
	return d.fill()
}

// load moves input into the bits until there are at least 56 of them or no
// more bytes.
func (d *Decoder) load() error {
	if err := d.need(8); err != nil {
		return err
	}
	for d.nb < 56 && d.ip < d.iend {
		d.bits |= uint64(d.in[d.ip]) << d.nb
		d.nb += 8
		d.ip++
	}
	return nil
}

// take returns the next n bits, at most 32.
func (d *Decoder) take(n uint) (uint32, error) {
	if d.nb < n {
		if err := d.load(); err != nil {
			return 0, err
		}
		if d.nb < n {
			return 0, d.ended()
		}
	}
	v := uint32(d.bits & (1<<n - 1))
	d.drop(n)
	return v, nil
}

func (d *Decoder) drop(n uint) {
	d.bits >>= n
	d.nb -= n
}

// unload gives whole bytes among the bits back to the input.
func (d *Decoder) unload() {
	d.ip -= int(d.nb / 8)
	d.nb %= 8
	d.bits &= 1<<d.nb - 1
}

// sum brings the checksum up to date.
func (d *Decoder) sum() {
	d.crc = crc32.Update(d.crc, crc32.IEEETable, d.out[d.summed:d.op])
	d.summed = d.op
}

// flush hands out what was expanded. At the end of out it goes on at the begin,
// behind a copy of the window.
func (d *Decoder) flush() error {
	d.sum()
	if d.op > d.sent {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		b := d.out[d.sent:d.op:d.op]
		d.sent = d.op
		if err := d.emit(b); err != nil {
			return err
		}
		d.written += int64(len(b))
	}
	if d.op >= outLimit {
		moved := d.op - window
		copy(d.out[:window], d.out[moved:d.op])
		d.op, d.sent, d.summed = window, window, window
		d.low = max(0, d.low-moved)
	}
	d.stop = min((d.op/blockSize+1)*blockSize, outLimit)
	return nil
}
