// Package twosum makes two SHA-256 sums of the same bytes in the time of little
// more than one. A layer's files are hashed twice, each by itself and as part of
// the archive, and SHA-256 is most of what reading a layer costs.
//
// One sum leaves the processor's SHA-256 instructions idle half of the time,
// since each waits for the one before; two sums of the same blocks fill the gap
// and share the work of preparing the blocks. States, buffering and padding stay
// those of crypto/sha256: only whole blocks are taken over.
package twosum

import (
	"crypto/fips140"
	"encoding"
	"encoding/binary"
	"hash"
)

const (
	blockSize = 64
	// worthwhile is how many bytes pay for taking two states out of crypto/sha256
	// and putting them back.
	worthwhile = 1 << 10

	// A state of crypto/sha256 in its binary form: its name, eight words, the
	// bytes of an unfinished block, and the number of bytes.
	magic     = "sha\x03"
	wordsAt   = len(magic)
	lengthAt  = wordsAt + 8*4 + blockSize
	stateSize = lengthAt + 8
)

// A Writer writes to two hashes at once. The zero value is ready. It is not
// safe for concurrent use.
type Writer struct {
	a, b [stateSize]byte
}

// sum is what the hashes of crypto/sha256 can do besides hashing.
type sum interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Write writes p to both hashes. It is fast if both are of crypto/sha256 and
// both have had the same number of bytes modulo 64; whatever they are, they are
// left as a.Write(p) and b.Write(p) would leave them.
func (w *Writer) Write(a, b hash.Hash, p []byte) {
	if n := w.together(a, b, p); n < len(p) {
		a.Write(p[n:])
		b.Write(p[n:])
	}
}

// together writes the beginning of p and returns how much that was.
func (w *Writer) together(a, b hash.Hash, p []byte) int {
	if len(p) < worthwhile || !available || fips140.Enabled() {
		return 0
	}
	sa, oka := a.(sum)
	sb, okb := b.(sum)
	if !oka || !okb {
		return 0
	}
	phase, ok := w.load(sa, sb)
	if !ok {
		return 0
	}
	head := 0
	if phase != 0 { // an unfinished block
		head = blockSize - phase
		a.Write(p[:head])
		b.Write(p[:head])
		if phase, ok = w.load(sa, sb); phase != 0 || !ok {
			return head
		}
	}
	blocks := p[head : head+(len(p)-head)/blockSize*blockSize]
	var x, y [8]uint32
	for i := range x {
		x[i] = binary.BigEndian.Uint32(w.a[wordsAt+4*i:])
		y[i] = binary.BigEndian.Uint32(w.b[wordsAt+4*i:])
	}
	twoBlocks(&x, &y, blocks)
	for i := range x {
		binary.BigEndian.PutUint32(w.a[wordsAt+4*i:], x[i])
		binary.BigEndian.PutUint32(w.b[wordsAt+4*i:], y[i])
	}
	store(sa, &w.a, len(blocks))
	store(sb, &w.b, len(blocks))
	return head + len(blocks)
}

// load takes out both states. phase is the length of their unfinished blocks;
// ok is false if they differ or if these are no states of SHA-256.
func (w *Writer) load(a, b sum) (phase int, ok bool) {
	x, errA := a.AppendBinary(w.a[:0])
	y, errB := b.AppendBinary(w.b[:0])
	if errA != nil || errB != nil || len(x) != stateSize || len(y) != stateSize ||
		string(x[:wordsAt]) != magic || string(y[:wordsAt]) != magic {
		return 0, false
	}
	phase = int(w.a[stateSize-1] % blockSize)
	return phase, phase == int(w.b[stateSize-1]%blockSize)
}

// store puts a state back that has n more bytes.
func store(s sum, state *[stateSize]byte, n int) {
	length := state[lengthAt:]
	binary.BigEndian.PutUint64(length, binary.BigEndian.Uint64(length)+uint64(n))
	if err := s.UnmarshalBinary(state[:]); err != nil {
		panic("twosum: crypto/sha256 refuses its own state: " + err.Error())
	}
}
