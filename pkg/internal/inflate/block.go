package inflate

import "errors"

var errInvalidRead = errors.New("the reader returned an impossible count")

// deflate expands blocks to the end of the stream: RFC 1951 section 3.2.3.
func (d *Decoder) deflate() error {
	d.low = d.op
	for final := false; !final; {
		head, err := d.take(3)
		if err != nil {
			return err
		}
		final = head&1 != 0
		switch head >> 1 {
		case 0:
			err = d.stored()
		case 1:
			d.useFixed()
			err = d.coded()
		case 2:
			if err = d.readCodes(); err == nil {
				err = d.coded()
			}
		default:
			err = d.corrupt()
		}
		if err != nil {
			return err
		}
	}
	d.unload()
	d.bits, d.nb = 0, 0 // the rest of the last byte is padding
	return nil
}

// stored copies a block that is not compressed: section 3.2.4.
func (d *Decoder) stored() error {
	d.unload()
	d.bits, d.nb = 0, 0
	if err := d.need(4); err != nil {
		return err
	}
	if d.iend-d.ip < 4 {
		d.ip = d.iend
		return d.ended()
	}
	n := int(d.in[d.ip]) | int(d.in[d.ip+1])<<8
	inverse := int(d.in[d.ip+2]) | int(d.in[d.ip+3])<<8
	d.ip += 4
	if n^inverse != 0xffff {
		return d.corrupt()
	}
	for n > 0 {
		if d.op >= d.stop {
			if err := d.flush(); err != nil {
				return err
			}
		}
		if d.ip == d.iend {
			if err := d.fill(); err != nil {
				return err
			}
			if d.ip == d.iend {
				return d.ended()
			}
		}
		m := copy(d.out[d.op:d.stop], d.in[d.ip:min(d.iend, d.ip+n)])
		d.op += m
		d.ip += m
		n -= m
	}
	return nil
}

// useFixed makes the tables those of section 3.2.6.
func (d *Decoder) useFixed() {
	if d.fixed {
		return
	}
	lens := d.lens[:maxLit]
	for i := range lens {
		switch {
		case i < 144, i >= 280:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		default:
			lens[i] = 7
		}
	}
	d.build(d.lit[:], litBits, lens, litEntries[:])
	d.litMin, d.pairing = 7, pairsNone
	lens = d.lens[:maxDist]
	for i := range lens {
		lens[i] = 5
	}
	d.build(d.dist[:], distBits, lens, distEntries[:])
	d.fixed = true
}

// order is that of the lengths of the code for lengths: section 3.2.7.
var order = [maxPre]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readCodes makes the tables those that the block brings: section 3.2.7.
func (d *Decoder) readCodes() error {
	d.fixed, d.pairing = false, pairsNone // before anything can fail: the tables change from here on
	head, err := d.take(14)
	if err != nil {
		return err
	}
	lits, dists, pres := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if lits > maxLit-2 || dists > maxDist-2 {
		return d.corrupt()
	}
	var lens [maxPre]uint8
	for _, i := range order[:pres] {
		n, err := d.take(3)
		if err != nil {
			return err
		}
		lens[i] = uint8(n)
	}
	if _, ok := d.build(d.pre[:], preBits, lens[:], preEntries[:]); !ok {
		return d.corrupt()
	}
	if err := d.readLengths(d.lens[:lits+dists]); err != nil {
		return err
	}
	minimum, ok := d.build(d.lit[:], litBits, d.lens[:lits], litEntries[:])
	if !ok {
		return d.corrupt()
	}
	if _, ok := d.build(d.dist[:], distBits, d.lens[lits:lits+dists], distEntries[:]); !ok {
		return d.corrupt()
	}
	if share(d.lens[:endOfBlock]) >= pairsFrom {
		d.pairing = pairsWorth
	}
	// Every block ends with this code, so its bits must be there at any time.
	d.litMin = max(minimum, uint(d.lens[endOfBlock]))
	return nil
}

// readLengths reads the lengths of the codes of both tables in one run.
func (d *Decoder) readLengths(lens []uint8) error {
	for i := 0; i < len(lens); {
		if d.nb < preBits+7 {
			if err := d.load(); err != nil {
				return err
			}
		}
		e := d.pre[d.bits&(preSize-1)]
		if n := uint(e & entryTake); n > d.nb {
			return d.ended()
		}
		if e&entryExc != 0 {
			return d.corrupt()
		}
		d.drop(uint(e & entryTake))
		v := uint8(e >> entryValue)
		if v < 16 {
			lens[i] = v
			i++
			continue
		}
		repeat, extra := uint32(3), uint(2)
		var last uint8
		switch v {
		case 16:
			if i == 0 {
				return d.corrupt()
			}
			last = lens[i-1]
		case 17:
			extra = 3
		case 18:
			repeat, extra = 11, 7
		}
		more, err := d.take(extra)
		if err != nil {
			return err
		}
		repeat += more
		if i+int(repeat) > len(lens) {
			return d.corrupt()
		}
		for range repeat {
			lens[i] = last
			i++
		}
	}
	return nil
}

// coded expands a block of codes, in the fast loop as long as there is input
// enough.
func (d *Decoder) coded() error {
	for {
		if d.op > d.stop {
			if err := d.flush(); err != nil {
				return err
			}
		}
		if err := d.need(fastInput); err != nil {
			return err
		}
		var end bool
		var err error
		switch {
		case d.iend-d.ip < fastInput:
			end, err = d.careful()
		case d.pairing == pairsNone:
			end, err = d.fast(d.iend)
		case d.pairing == pairsWorth:
			if end, err = d.fast(min(d.iend, d.ip+firstRun)); !end {
				d.pairs()
			}
		default:
			d.literals()
			if d.op <= d.stop && d.iend-d.ip >= fastInput {
				end, err = d.fast(d.iend)
			}
		}
		if end || err != nil {
			return err
		}
	}
}
