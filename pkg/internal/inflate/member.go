package inflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Flags of a gzip header: RFC 1952 section 2.3.1. FTEXT and the reserved ones
// are ignored, as compress/gzip does.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// maxString is how long name and comment may be with their NUL, as in
// compress/gzip.
const maxString = 512

// member expands one gzip member and checks what its trailer says.
func (d *Decoder) member() error {
	if err := d.header(); err != nil {
		return err
	}
	d.crc, d.summed = 0, d.op
	begin := d.total()
	if err := d.deflate(); err != nil {
		return err
	}
	d.sum()
	var trailer [8]byte
	if err := d.read(trailer[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(trailer[:4]) != d.crc ||
		binary.LittleEndian.Uint32(trailer[4:]) != uint32(d.total()-begin) {
		return ErrChecksum
	}
	return nil
}

// total is the number of bytes expanded so far.
func (d *Decoder) total() int64 { return d.written + int64(d.op-d.sent) }

// atMember reports whether the next bytes begin a member.
func (d *Decoder) atMember() (bool, error) {
	if err := d.need(2); err != nil {
		return false, err
	}
	if d.iend-d.ip < 2 {
		if d.rerr != io.EOF {
			return false, d.rerr
		}
		return false, nil
	}
	return d.in[d.ip] == 0x1f && d.in[d.ip+1] == 0x8b, nil
}

// header reads a gzip header and checks its checksum if it has one.
func (d *Decoder) header() error {
	b := &d.head
	if err := d.read(b[:]); err != nil {
		return err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return ErrHeader
	}
	flags := b[3]
	d.crc = crc32.ChecksumIEEE(b[:])
	if flags&flagExtra != 0 {
		if err := d.read(b[:2]); err != nil {
			return err
		}
		d.crc = crc32.Update(d.crc, crc32.IEEETable, b[:2])
		if err := d.skip(int(binary.LittleEndian.Uint16(b[:2]))); err != nil {
			return err
		}
	}
	for _, flag := range [...]byte{flagName, flagComment} {
		if flags&flag != 0 {
			if err := d.skipString(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		if err := d.read(b[:2]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(b[:2]) != uint16(d.crc) {
			return ErrHeader
		}
	}
	return nil
}

// read fills b, which is shorter than fastInput.
func (d *Decoder) read(b []byte) error {
	if err := d.need(len(b)); err != nil {
		return err
	}
	n := copy(b, d.in[d.ip:d.iend])
	d.ip += n
	if n < len(b) {
		return d.ended()
	}
	return nil
}

// skip passes over n bytes of the header.
func (d *Decoder) skip(n int) error {
	for n > 0 {
		if err := d.need(1); err != nil {
			return err
		}
		if d.ip == d.iend {
			return d.ended()
		}
		m := min(n, d.iend-d.ip)
		d.crc = crc32.Update(d.crc, crc32.IEEETable, d.in[d.ip:d.ip+m])
		d.ip += m
		n -= m
	}
	return nil
}

// skipString passes over a string of the header and its NUL.
func (d *Decoder) skipString() error {
	for range maxString {
		if err := d.need(1); err != nil {
			return err
		}
		if d.ip == d.iend {
			return d.ended()
		}
		c := d.in[d.ip]
		if err := d.skip(1); err != nil || c == 0 {
			return err
		}
	}
	return ErrHeader
}
