package layer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// unzstd expands all frames of a zstd stream (RFC 8878); skippable frames,
// which the seekable and chunked variants use for their tables, are skipped
// wherever they stand. Each frame is cut out here, so that its window is known
// before a decoder allocates it and the end of the last one is exact.
func (x *expansion) unzstd(br *bufio.Reader) error {
	z := &zstdDecoder{x: x}
	defer z.close()
	for frame := 1; ; frame++ {
		head, err := br.Peek(4)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case isSkippableMagic(head):
			err = skipFrame(br)
		case isZstdMagic(head):
			err = z.frame(br)
		default:
			return x.trailing(br)
		}
		if err != nil {
			return fmt.Errorf("zstd frame %d: %w", frame, noEOF(err))
		}
	}
}

func skipFrame(br *bufio.Reader) error {
	var head [8]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, br, int64(binary.LittleEndian.Uint32(head[4:])))
	return err
}

// A zstdDecoder keeps one decoder for frames whose windows fit what it holds.
type zstdDecoder struct {
	x    *expansion
	dec  *zstd.Decoder
	held int64
}

func (z *zstdDecoder) frame(br *bufio.Reader) error {
	h, err := peekFrame(br)
	if err != nil {
		return err
	}
	if h.window > limits.ZstdWindows {
		return &limits.ExceededError{What: "window of the zstd frame", Limit: limits.ZstdWindows, Got: int64(min(h.window, 1<<62))}
	}
	if h.dictionary != 0 {
		return fmt.Errorf("needs the dictionary %d, which is not part of the layer", h.dictionary)
	}
	if err := z.hold(int64(max(h.window, zstd.MinWindowSize))); err != nil {
		return err
	}
	body := &frameReader{br: br, left: h.size, checksum: h.checksum}
	if err := z.dec.Reset(body); err != nil {
		return err
	}
	if err := z.x.copy(z.dec); err != nil {
		return err
	}
	if !body.done() {
		return errors.New("the decoder did not read the whole frame")
	}
	return nil
}

// hold makes sure that the window is accounted for. What is held is given back
// before more is asked for, so that layers cannot wait for each other.
func (z *zstdDecoder) hold(window int64) error {
	if z.dec != nil && window <= z.held {
		return nil
	}
	z.close()
	if err := z.x.windows.acquire(z.x.src.ctx, window); err != nil {
		return err
	}
	z.held = window
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(limits.ZstdWindows))
	z.dec = dec
	return err
}

func (z *zstdDecoder) close() {
	if z.dec != nil {
		z.dec.Close()
		z.dec = nil
	}
	if z.held > 0 {
		z.x.windows.release(z.held)
		z.held = 0
	}
}

type frameHeader struct {
	size       int // bytes, with the magic number
	window     uint64
	dictionary uint32
	checksum   bool
}

// peekFrame reads a frame header without consuming it: RFC 8878 section 3.1.1.1.
func peekFrame(br *bufio.Reader) (frameHeader, error) {
	b, err := br.Peek(18)
	if err != nil && !errors.Is(err, io.EOF) {
		return frameHeader{}, err
	}
	if len(b) < 6 {
		return frameHeader{}, io.ErrUnexpectedEOF
	}
	descriptor := b[4]
	h := frameHeader{size: 5, checksum: descriptor&4 != 0}
	single := descriptor&0x20 != 0
	if !single {
		exponent, mantissa := b[5]>>3, uint64(b[5]&7)
		base := uint64(1) << (10 + exponent)
		h.window = base + base/8*mantissa
		h.size++
	}
	var field [8]byte
	take := func(n int) (uint64, error) {
		if h.size+n > len(b) {
			return 0, io.ErrUnexpectedEOF
		}
		field = [8]byte{}
		copy(field[:], b[h.size:h.size+n])
		h.size += n
		return binary.LittleEndian.Uint64(field[:]), nil
	}
	dictionary, err := take([...]int{0, 1, 2, 4}[descriptor&3])
	if err != nil {
		return h, err
	}
	h.dictionary = uint32(dictionary)
	sizes := [...]int{0, 2, 4, 8}
	n := sizes[descriptor>>6]
	if n == 0 && single {
		n = 1
	}
	content, err := take(n)
	if err != nil {
		return h, err
	}
	if single {
		if n == 2 {
			content += 256
		}
		h.window = content
	}
	return h, nil
}

// A frameReader reads exactly one frame: its header, blocks and checksum.
type frameReader struct {
	br       *bufio.Reader
	left     int // bytes of the current part
	last     bool
	checksum bool
	ended    bool
	header   []byte // of a block, not handed out yet
	buf      [3]byte
}

func (f *frameReader) done() bool { return f.ended && f.left == 0 && len(f.header) == 0 }

func (f *frameReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for f.left == 0 && len(f.header) == 0 {
		if err := f.advance(); err != nil {
			return 0, err
		}
	}
	if len(f.header) > 0 {
		n := copy(p, f.header)
		f.header = f.header[n:]
		return n, nil
	}
	n, err := f.br.Read(p[:min(len(p), f.left)])
	f.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// advance moves to the next block: RFC 8878 section 3.1.1.2.
func (f *frameReader) advance() error {
	switch {
	case f.ended:
		return io.EOF
	case f.last:
		f.ended = true
		if f.checksum {
			f.left = 4
			return nil
		}
		return io.EOF
	}
	if _, err := io.ReadFull(f.br, f.buf[:]); err != nil {
		return noEOF(err)
	}
	h := uint32(f.buf[0]) | uint32(f.buf[1])<<8 | uint32(f.buf[2])<<16
	f.last = h&1 != 0
	f.left = int(h >> 3)
	if h>>1&3 == 1 {
		f.left = 1 // run-length: one byte, repeated
	}
	f.header = f.buf[:]
	return nil
}
