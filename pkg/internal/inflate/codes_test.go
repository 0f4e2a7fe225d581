package inflate

import (
	"fmt"
	"hash/crc32"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

func headerSum(b []byte) uint16 { return uint16(crc32.ChecksumIEEE(b)) }

// A bitWriter writes what a compressor would not.
type bitWriter struct {
	b []byte
	n uint
}

// bits writes n bits, the lowest first.
func (w *bitWriter) bits(v uint64, n uint) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// code writes n bits, the highest first.
func (w *bitWriter) code(v uint64, n uint) { w.bits(bits.Reverse64(v)>>(64-n), n) }

func (w *bitWriter) bytes() []byte { return w.b }

// header writes that of a block with codes of these lengths, each given by
// itself in a code where all of 0 to 15 have four bits.
func (w *bitWriter) header(lit, dist []uint8) {
	w.bits(1, 1)
	w.bits(2, 2)
	w.bits(uint64(len(lit)-257), 5)
	w.bits(uint64(len(dist)-1), 5)
	w.bits(15, 4)
	for _, i := range order {
		if i < 16 {
			w.bits(4, 3)
		} else {
			w.bits(0, 3)
		}
	}
	for _, lens := range [][]uint8{lit, dist} {
		for _, n := range lens {
			w.code(uint64(n), 4)
		}
	}
}

// randomLengths is a code of n symbols, most often a complete one, with lengths
// up to 15.
func randomLengths(r *rand.Rand, n int) []uint8 {
	lens := make([]uint8, n)
	used := r.Perm(n)[:1+r.IntN(n)]
	// Split leaves until there is one for every symbol.
	leaves := []uint8{0}
	for len(leaves) < len(used) {
		i := len(leaves) - 1 - r.IntN(min(len(leaves), 1+r.IntN(len(leaves))))
		if leaves[i] == maxBits {
			if i = r.IntN(len(leaves)); leaves[i] == maxBits {
				continue
			}
		}
		leaves[i]++
		leaves = append(leaves, leaves[i])
	}
	for i, s := range used {
		lens[s] = leaves[i]
	}
	return lens
}

// TestCodes expands noise with codes of all shapes: long ones, few, incomplete
// ones, without an end of block.
func TestCodes(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	r := rand.New(rand.NewPCG(21, 22))
	pairs := 0
	for i := range 6000 {
		lit, dist := randomLengths(r, 257+r.IntN(30)), randomLengths(r, 1+r.IntN(30))
		switch i % 8 {
		case 0:
			lit[r.IntN(len(lit))] = uint8(r.IntN(16)) // most often no code any more
		case 1:
			dist[r.IntN(len(dist))] = uint8(r.IntN(16))
		case 2:
			clear(dist)
		case 3:
			clear(dist)
			dist[r.IntN(len(dist))] = uint8(1 + r.IntN(2))
		case 4:
			clear(lit)
			lit[r.IntN(len(lit))] = uint8(r.IntN(3))
		case 5, 6: // hardly anything but literals
			slices.Sort(lit)
			r.Shuffle(endOfBlock, func(i, j int) { lit[i], lit[j] = lit[j], lit[i] })
		}
		if i%3 != 0 && lit[endOfBlock] == 0 {
			j := r.IntN(len(lit))
			lit[j], lit[endOfBlock] = lit[endOfBlock], lit[j]
		}
		var w bitWriter
		w.header(lit, dist)
		for range r.IntN(600) {
			w.bits(r.Uint64(), 64)
		}
		b := w.bytes()
		checkRaw(t, d, fmt.Sprintf("codes %d", i), b, 0, 1<<20)
		if d.pairing == pairsMade {
			pairs++
		}
	}
	if pairs < 500 {
		t.Errorf("%d codes got pairs: they are hardly tested", pairs)
	}
}

// TestDeepest fills the tables as far as they can be.
func TestDeepest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		symbols, most   int
		tableBits, size uint
	}{
		{"literals", 286, maxLit, litBits, litSize},
		{"distances", 30, maxDist, distBits, distSize},
	} {
		if got := enough(tt.symbols, tt.tableBits); got > tt.size {
			t.Errorf("%s: %d entries are needed, the table has %d", tt.name, got, tt.size)
		}
		if got := enough(tt.most, tt.tableBits); got > tt.size {
			t.Errorf("%s: %d entries are needed, the table has %d", tt.name, got, tt.size)
		}
	}
}

// enough is an upper bound of what a complete code of n symbols needs: the
// table, and subtables that have at least one entry too many per symbol. Each
// subtable of 2^k entries has a code of k bits beyond the table, so it holds at
// least k+1 symbols.
func enough(n int, tableBits uint) uint {
	deepest := uint(maxBits) - tableBits
	best := uint(0)
	for k := uint(1); k <= deepest; k++ {
		best = max(best, uint(n)/(k+1)<<k)
	}
	return 1<<tableBits + best
}
