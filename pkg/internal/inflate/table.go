package inflate

import "math/bits"

// Tables map the next bits of the stream to entries of 32 bits:
//
//	 0..5   bits to take: the code and the extra bits after it
//	 6..11  bits of the code alone
//	12      exceptional: one of the next two, or no code at all
//	13      the entry leads to a subtable, whose bits are in 6..11
//	14      end of block
//	16..    literal, base of the length or distance, or start of the subtable
//	29      literal of a table with pairs
//	30      a pair of literals: the bits to take are those of two codes
//	31      literal
//
// Codes longer than the table's bits continue in a subtable in the same array,
// whose entries count only the bits beyond the table's.
const (
	entryTake  = 1<<6 - 1
	entryCode  = 6
	entryExc   = 1 << 12
	entrySub   = 1 << 13
	entryEnd   = 1 << 14
	entryValue = 16
	entryRun   = 1 << 29
	entryTwo   = 1 << 30
	entryLit   = 1 << 31
	oneBit     = 1 + 1<<entryCode // of code, in an entry

	firstRunning = entryLit | entryRun // no other entries are as large
)

// Sizes of the tables. What subtables need at most was counted with zlib's
// enough.c: 2342 entries for 288 symbols and 11 bits, 1332 for 32 and 10.
const (
	litBits  = 11
	litMask  = 1<<litBits - 1
	litSize  = 1 << 12
	distBits = 10
	distMask = 1<<distBits - 1
	distSize = 1 << 11
	preBits  = 7
	preSize  = 1 << preBits

	maxLit  = 288 // with the two that fixed codes have and nobody may use
	maxDist = 32
	maxPre  = 19
	maxBits = 15

	endOfBlock = 256
)

// Entries without the bits of their codes.
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	preEntries  = makePreEntries()
)

func makeLitEntries() (t [maxLit]uint32) {
	for i := range uint32(256) {
		t[i] = entryLit | i<<entryValue
	}
	t[endOfBlock] = entryExc | entryEnd
	base, extra := uint32(3), uint32(0)
	for i := endOfBlock + 1; i < 285; i++ {
		if n := i - 265; n >= 0 && n%4 == 0 {
			extra++
		}
		t[i] = base<<entryValue | extra
		base += 1 << extra
	}
	t[285] = 258 << entryValue
	t[286], t[287] = entryExc, entryExc
	return t
}

func makeDistEntries() (t [maxDist]uint32) {
	base, extra := uint32(1), uint32(0)
	for i := range 30 {
		if n := i - 4; n >= 0 && n%2 == 0 {
			extra++
		}
		t[i] = base<<entryValue | extra
		base += 1 << extra
	}
	t[30], t[31] = entryExc, entryExc
	return t
}

func makePreEntries() (t [maxPre]uint32) {
	for i := range t {
		t[i] = uint32(i) << entryValue
	}
	return t
}

// build fills table, of which tableBits are looked up at once, with the
// canonical code that has these lengths. It refuses what compress/flate does:
// all codes but the complete ones, the empty one, and that of one symbol and
// one bit. minimum is the shortest length, 0 of the empty code.
func (d *Decoder) build(table []uint32, tableBits uint, lens []uint8, symbols []uint32) (minimum uint, ok bool) {
	var count [maxBits + 1]uint
	for _, n := range lens {
		count[n&maxBits]++
	}
	count[0] = 0
	space := uint(0) // of the code, in units of its longest words
	var start [maxBits + 2]uint
	for n := uint(1); n <= maxBits; n++ {
		if minimum == 0 && count[n] > 0 {
			minimum = n
		}
		start[n+1] = start[n] + count[n]
		space += count[n] << (maxBits - n)
	}
	used := start[maxBits+1]
	switch {
	case used == 0:
		fillWith(table[:1<<tableBits], entryExc)
		return 0, true
	case used == 1 && count[1] == 1:
		for i, n := range lens {
			if n == 1 {
				fillWith(table[:1<<tableBits], entryExc)
				for j := 0; j < 1<<tableBits; j += 2 {
					table[j] = symbols[i] + oneBit
				}
			}
		}
		return 1, true
	case space != 1<<maxBits:
		return 0, false
	}
	for i, n := range lens {
		if n != 0 {
			d.sorted[start[n&maxBits]] = uint16(i)
			start[n&maxBits]++
		}
	}
	d.place(table, tableBits, count, d.sorted[:used], symbols)
	return minimum, true
}

// place writes the entries of a complete code in the order of its words. A word
// stands in the table with its first bit lowest, so the next word is found by
// adding one from the other end.
func (d *Decoder) place(table []uint32, tableBits uint, count [maxBits + 1]uint, sorted []uint16, symbols []uint32) {
	n := uint(1)
	for count[n] == 0 {
		n++
	}
	left := count[n]
	word, end := uint(0), uint(1)<<n
	if n > tableBits {
		end = 1 << tableBits
	}
	prefix, sub, subBits := ^uint(0), uint(0), uint(0)
	for _, s := range sorted {
		for left == 0 {
			n++
			left = count[n]
			if n <= tableBits { // all so far stands twice in a table of twice the size
				copy(table[end:2*end], table[:end])
				end *= 2
			}
		}
		left--
		if n <= tableBits {
			table[word] = symbols[s] + uint32(n)*oneBit
		} else {
			if p := word & (1<<tableBits - 1); p != prefix {
				prefix, sub = p, end
				subBits = n - tableBits
				for space := left + 1; space < 1<<subBits; {
					subBits++
					space = space<<1 + count[tableBits+subBits]
				}
				end += 1 << subBits
				table[prefix] = uint32(sub)<<entryValue | entryExc | entrySub | uint32(subBits)<<entryCode | uint32(tableBits)
			}
			e := symbols[s] + uint32(n-tableBits)*oneBit
			for i := sub + word>>tableBits; i < end; i += 1 << (n - tableBits) {
				table[i] = e
			}
		}
		word = nextWord(word, n)
	}
	for ; n < tableBits; n++ {
		copy(table[end:2*end], table[:end])
		end *= 2
	}
}

// nextWord returns the word of n bits after word. After the last it returns
// one that is not used.
func nextWord(word, n uint) uint {
	zeros := word ^ (1<<n - 1)
	if zeros == 0 {
		return 0
	}
	bit := uint(1) << (bits.Len(zeros) - 1)
	return word&(bit-1) | bit
}

func fillWith(table []uint32, e uint32) {
	for i := range table {
		table[i] = e
	}
}
