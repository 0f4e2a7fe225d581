package inflate

// What is known of the table of literals and lengths.
const (
	pairsNone  = iota // not worth having
	pairsWorth        // worth having in a block that turns out long
	pairsMade
)

const (
	// pairsFrom is how much of a block's symbols must be literals for pairs to be
	// worth having, in units of 1<<maxBits: below it runs are too short.
	pairsFrom = 9 << maxBits / 10
	// firstRun is how much input of a block is expanded before its pairs are made,
	// which takes as long as about a thousand literals.
	firstRun = 1 << 10
)

// share is how much of what a code with these lengths was made for are the
// symbols it begins with, in units of 1<<maxBits.
func share(lens []uint8) (n uint) {
	for _, l := range lens {
		n += 1 << maxBits >> (l & maxBits) & (1<<maxBits - 1)
	}
	return n
}

// pairs makes each literal's entry skip the next literal too, wherever the bits
// of one look-up tell how long that is.
//
// What literals cost is the wait from one look-up to the next. Pairs halve it:
// where the third begins is known at once, and the second is looked up aside.
func (d *Decoder) pairs() {
	d.pairing = pairsMade
	table := d.lit[:1<<litBits]
	shortest := table[0] >> entryCode & entryTake
	if table[0]&entrySub != 0 {
		return
	}
	// add[1<<k+p] is what the k bits p after a literal add to its entry. The words
	// of a length are neighbours in the order of their bits, literals first: if
	// the first and the last with p are literals of one length, so are all.
	var add [1 << litBits]uint32
	for k := range uint(litBits + 1 - shortest) {
		for p := range uint(1) << k {
			first, last := table[p], table[p|1<<litBits-1<<k]
			a := uint32(entryRun)
			if first&last&entryLit != 0 && first&entryTake == last&entryTake {
				a |= entryTwo | first&entryTake
			}
			add[1<<k+p] = a
		}
	}
	for i, e := range table {
		if e&entryLit != 0 {
			table[i] = e + add[(1<<litBits+i)>>(e&entryTake)&(1<<litBits-1)]
		}
	}
}
