// Package inflate expands DEFLATE (RFC 1951) and gzip (RFC 1952) streams and
// hands the bytes to a consumer in large blocks. It accepts and rejects what
// compress/flate and compress/gzip do, and does so in plain Go: no unsafe, no
// assembly.
//
// What makes it fast is in fast.go; everything a stream can do near its end is
// in careful.go. Built with the tag inflatecheck, every index that the fast
// loop masks is compared with its real limit first.
package inflate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// What is wrong with a stream. A stream that ends too early is
// io.ErrUnexpectedEOF; an error of the reader is returned as it is.
var (
	// ErrHeader: what stands where a gzip header must is none.
	ErrHeader = errors.New("invalid gzip header")
	// ErrChecksum: the expanded bytes have not the CRC-32 or length that the
	// member's trailer says.
	ErrChecksum = errors.New("gzip checksum or length differs")
	// ErrMembers: there are more members than Options.MaxMembers.
	ErrMembers = errors.New("too many gzip members")
)

// A CorruptError says that the compressed bytes are not DEFLATE.
type CorruptError struct {
	Offset int64 // in bytes of the compressed stream, about
}

// Error names the place.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt deflate stream at about byte %d", e.Offset)
}

// Options bound what a stream may ask for. The zero value bounds nothing.
type Options struct {
	// MaxMembers is the highest number of gzip members; 0 is no limit.
	MaxMembers int64
}

// A Result says how far a stream went.
type Result struct {
	// Members is the number of gzip members that were expanded to their end and
	// whose checksums held.
	Members int64
	// Read is the length of the stream in bytes; after an error, about how far it
	// was read.
	Read int64
	// Written is the number of expanded bytes handed out.
	Written int64
	// Rest are the bytes after the stream that were read already; those that the
	// reader still has follow them. They are valid until the decoder is used
	// again or put back. It is empty after an error.
	Rest []byte
	// RestErr is what the reader said after Rest if it said something already:
	// io.EOF or its error.
	RestErr error
}

// A Decoder expands one stream after another. It holds about 1.2 MiB. It is not
// safe for concurrent use.
type Decoder struct {
	lit  [litSize]uint32  // literals and lengths, see table.go
	dist [distSize]uint32 // distances
	pre  [preSize]uint32  // the code of the codes' lengths

	bits uint64 // unread bits, the next one lowest; those from nb up are zero
	nb   uint   // number of bits
	ip   int    // next byte of in
	iend int    // end of the bytes in in
	op   int    // next byte of out
	stop int    // where in out the next block is handed out
	low  int    // first byte of out that a distance may reach

	sent    int  // bytes of out that were handed out
	summed  int  // bytes of out that are in crc
	fixed   bool // lit and dist are those of RFC 1951 section 3.2.6
	litMin  uint // bits that must be there for a literal or length
	pairing int  // whether lit has pairs
	crc     uint32
	members int64
	begun   int64 // Written at the member's begin
	before  int64 // bytes read that in no longer holds
	written int64

	ctx  context.Context
	r    io.Reader
	rerr error // why r has no more: io.EOF or its error
	emit func([]byte) error

	head   [10]byte // of a member
	lens   [maxLit + maxDist]uint8
	sorted [maxLit]uint16
	in     [inSize + inSlack]byte
	out    [outSize + outSlack]byte
}

var pool = sync.Pool{New: func() any { return new(Decoder) }}

// Get returns a decoder that nobody else uses.
func Get() *Decoder { return pool.Get().(*Decoder) }

// Put gives d back. It must not be used any more, nor must what it handed out.
func (d *Decoder) Put() {
	d.release()
	pool.Put(d)
}

func (d *Decoder) release() { d.ctx, d.r, d.emit, d.rerr = nil, nil, nil, nil }

// reset forgets everything but the tables of fixed codes, if it has them.
func (d *Decoder) reset(ctx context.Context, r io.Reader, emit func([]byte) error) {
	d.ctx, d.r, d.emit, d.rerr = ctx, r, emit, nil
	d.bits, d.nb, d.ip, d.iend = 0, 0, 0, 0
	d.op, d.stop, d.low, d.sent, d.summed = 0, blockSize, 0, 0, 0
	d.crc, d.members, d.begun, d.before, d.written = 0, 0, 0, 0, 0
}

// Gzip expands r, members one after another, until the bytes that follow a
// member are not the two a member begins with. emit gets the expanded bytes in
// blocks of about 128 KiB; its error ends the expansion. A block stays as it is
// until emit returns from the [Kept]th call after it, and the last ones until
// the decoder is used again or put back: so another goroutine may read blocks
// while the next are made, and nothing is copied. Bytes come before their
// member's checksum is checked, so they mean nothing until Gzip returns without
// error. ctx is looked at between blocks and before every read of r.
func (d *Decoder) Gzip(ctx context.Context, r io.Reader, emit func([]byte) error, o Options) (Result, error) {
	d.reset(ctx, r, emit)
	defer d.release()
	for more := true; more; {
		if o.MaxMembers > 0 && d.members >= o.MaxMembers {
			return d.result(ErrMembers)
		}
		if err := d.member(); err != nil {
			return d.result(fmt.Errorf("gzip member %d: %w", d.members+1, err))
		}
		d.members++
		var err error
		if more, err = d.atMember(); err != nil {
			return d.result(err)
		}
	}
	return d.result(nil)
}

// Raw expands one DEFLATE stream without a frame, otherwise as Gzip does.
func (d *Decoder) Raw(ctx context.Context, r io.Reader, emit func([]byte) error) (Result, error) {
	d.reset(ctx, r, emit)
	defer d.release()
	return d.result(d.deflate())
}

// result hands out what is left and ends the use of the stream. What the
// consumer says outranks what the bytes say.
func (d *Decoder) result(err error) (Result, error) {
	if flushErr := d.flush(); flushErr != nil {
		err = flushErr
	}
	res := Result{Members: d.members, Read: d.offset(), Written: d.written}
	if err != nil {
		return res, err
	}
	res.Rest, res.RestErr = d.in[d.ip:d.iend], d.rerr
	return res, nil
}

// offset is how far the stream was read.
func (d *Decoder) offset() int64 { return d.before + int64(d.ip) - int64(d.nb/8) }

func (d *Decoder) corrupt() error { return &CorruptError{Offset: d.offset()} }
