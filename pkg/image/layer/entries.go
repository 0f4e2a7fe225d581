package layer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
)

// chunkSize is the largest chunk of an Entries log; a record that needs more
// has a chunk of its own. Chunks are never copied once they are full, so the
// log grows without ever doubling.
const (
	chunkShift = 18
	chunkSize  = 1 << chunkShift
)

// Entries is the entries of one layer as a log of variable-length records
// without pointers: some 20 bytes for an empty file, 32 more for a digest. A
// path shares the directory part of the one before it. The log is also the
// encoded form, see [Contents.Encode].
type Entries struct {
	chunks [][]byte
	n      int
	prev   []byte // the path of the last record
}

// A recordRef is where a record begins: the chunk and the offset in it.
type recordRef uint32

// Len returns the number of entries.
func (l *Entries) Len() int { return l.n }

// add appends e and returns where it stands.
func (l *Entries) add(e *Entry) recordRef {
	shared := sharedDir(l.prev, e.Path)
	need := recordSize(e)
	if n := len(l.chunks); n == 0 || len(l.chunks[n-1])+need > chunkSize {
		l.chunks = append(l.chunks, make([]byte, 0, min(max(need, 4096), max(need, chunkSize))))
	}
	last := len(l.chunks) - 1
	c := l.chunks[last]
	ref := recordRef(last<<chunkShift | len(c))
	if cap(c)-len(c) < need {
		grown := make([]byte, len(c), min(max(2*cap(c), len(c)+need), max(chunkSize, need)))
		copy(grown, c)
		c = grown
	}
	l.chunks[last] = appendRecord(c, e, shared)
	l.prev = append(l.prev[:0], e.Path...)
	l.n++
	return ref
}

// sharedDir returns how many bytes of path are the same directory as in prev,
// up to and with the slash.
func sharedDir(prev, path []byte) int {
	shared := 0
	for i := 0; i < len(prev) && i < len(path) && prev[i] == path[i]; i++ {
		if path[i] == '/' {
			shared = i + 1
		}
	}
	return shared
}

// recordSize returns an upper bound of e's encoded size.
func recordSize(e *Entry) int {
	n := 2 + 9*binary.MaxVarintLen64 + len(e.Path) + len(e.Sum) + len(e.Link) + len(e.Head)
	for _, x := range e.Xattrs {
		n += 2*binary.MaxVarintLen64 + len(x.Name) + len(x.Value)
	}
	return n
}

func appendRecord(b []byte, e *Entry, shared int) []byte {
	flags := e.flags &^ (flagDigest | flagLink | flagXattrs | flagHead | flagDevice)
	if e.Type == TypeFile && e.Size > 0 {
		flags |= flagDigest
	}
	if len(e.Link) > 0 {
		flags |= flagLink
	}
	if len(e.Xattrs) > 0 {
		flags |= flagXattrs
	}
	if len(e.Head) > 0 {
		flags |= flagHead
	}
	if e.Type == TypeChar || e.Type == TypeBlock {
		flags |= flagDevice
	}
	b = append(b, byte(e.Type), flags)
	b = binary.AppendUvarint(b, uint64(shared))
	b = appendBytes(b, e.Path[shared:])
	b = binary.AppendUvarint(b, uint64(e.Mode))
	b = binary.AppendUvarint(b, uint64(e.UID))
	b = binary.AppendUvarint(b, uint64(e.GID))
	b = binary.AppendUvarint(b, uint64(e.Size))
	if flags&flagDigest != 0 {
		b = append(b, e.Sum[:]...)
	}
	if flags&flagLink != 0 {
		b = appendBytes(b, e.Link)
	}
	if flags&flagDevice != 0 {
		b = binary.AppendUvarint(b, uint64(e.Major))
		b = binary.AppendUvarint(b, uint64(e.Minor))
	}
	if flags&flagXattrs != 0 {
		b = binary.AppendUvarint(b, uint64(len(e.Xattrs)))
		for _, x := range e.Xattrs {
			b = appendBytes(appendBytes(b, x.Name), x.Value)
		}
	}
	if flags&flagHead != 0 {
		b = appendBytes(b, e.Head)
	}
	return b
}

func appendBytes(b, s []byte) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }

var errRecord = errors.New("malformed entry record")

// parseRecord reads one record into e, whose Path it builds upon the path that
// e held before, and returns the record's length. If the path is not wanted,
// e.Path becomes the part that is in the record, which ends in the whole base
// name.
func parseRecord(b []byte, e *Entry, wantPath bool) (int, error) {
	r := recordReader{b: b}
	typ, flags := r.byte(), r.byte()
	shared, rest := r.uvarint(1<<31), r.bytes()
	if wantPath {
		if r.bad || shared > uint64(len(e.Path)) {
			return 0, errRecord
		}
		e.Path = append(e.Path[:shared], rest...)
	} else {
		e.Path = rest
	}
	e.Type, e.flags = Type(typ), flags
	e.Mode = uint16(r.uvarint(0o7777))
	e.UID, e.GID = uint32(r.uvarint(1<<32-1)), uint32(r.uvarint(1<<32-1))
	e.Size = int64(r.uvarint(1<<63 - 1))
	e.Sum, e.Link, e.Head, e.Xattrs, e.Major, e.Minor = emptyDigest, nil, nil, e.Xattrs[:0], 0, 0
	if e.Type != TypeFile {
		e.Sum = [32]byte{}
	}
	if flags&flagDigest != 0 {
		copy(e.Sum[:], r.take(len(e.Sum)))
	}
	if flags&flagLink != 0 {
		e.Link = r.bytes()
	}
	if flags&flagDevice != 0 {
		e.Major, e.Minor = uint32(r.uvarint(1<<32-1)), uint32(r.uvarint(1<<32-1))
	}
	if flags&flagXattrs != 0 {
		for n := r.uvarint(uint64(len(b))); n > 0 && !r.bad; n-- {
			e.Xattrs = append(e.Xattrs, Xattr{Name: r.bytes(), Value: r.bytes()})
		}
	}
	if flags&flagHead != 0 {
		e.Head = r.bytes()
	}
	if r.bad || e.Type > TypeOther || (e.Type == TypeFile && e.Size > 0) != (flags&flagDigest != 0) {
		return 0, errRecord
	}
	return len(b) - len(r.b), nil
}

// A recordReader reads the parts of a record and remembers if one was short.
type recordReader struct {
	b   []byte
	bad bool
}

func (r *recordReader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *recordReader) byte() byte {
	if s := r.take(1); s != nil {
		return s[0]
	}
	return 0
}

func (r *recordReader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || v > limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *recordReader) bytes() []byte { return r.take(int(r.uvarint(1 << 31))) }

// All yields the entries in the archive's order. The Entry is reused.
func (l *Entries) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for _, e := range l.records() {
			if !yield(e) {
				return
			}
		}
	}
}

// records yields the entries and where they stand. A log that was built by add
// or checked by Decode has no malformed record.
func (l *Entries) records() iter.Seq2[recordRef, *Entry] {
	return func(yield func(recordRef, *Entry) bool) {
		var e Entry
		for i, c := range l.chunks {
			for off := 0; off < len(c); {
				n, err := parseRecord(c[off:], &e, true)
				if err != nil || !yield(recordRef(i<<chunkShift|off), &e) {
					return
				}
				off += n
			}
		}
	}
}

// at reads the record at ref into e, without its whole path.
func (l *Entries) at(ref recordRef, e *Entry) {
	e.Path = nil
	if _, err := parseRecord(l.record(ref), e, false); err != nil {
		*e = Entry{Type: TypeOther}
	}
}

// baseAt returns the last component of the path of the record at ref.
func (l *Entries) baseAt(ref recordRef) []byte {
	r := recordReader{b: l.record(ref)}
	r.take(2)
	r.uvarint(1 << 31)
	rest := r.bytes()
	return rest[bytes.LastIndexByte(rest, '/')+1:]
}

func (l *Entries) record(ref recordRef) []byte {
	return l.chunks[ref>>chunkShift][ref&(chunkSize-1):]
}
