package inflate

// careful expands a block of codes bit by bit at the end of the input, where
// every code may be cut off. It reports whether the block has ended; if not,
// there is no more room.
func (d *Decoder) careful() (end bool, err error) {
	for d.op <= d.stop {
		if d.nb < 48 {
			if err := d.load(); err != nil {
				return false, err
			}
		}
		// Less than this cannot lead to the end of the block, whatever it is.
		if d.nb < d.litMin {
			return false, d.ended()
		}
		e, err := d.symbol(d.lit[:], litBits)
		switch {
		case err != nil:
			return false, err
		case e&entryLit != 0:
			d.out[d.op] = byte(e >> entryValue)
			d.op++
			continue
		case e&entryEnd != 0:
			return true, nil
		}
		length, err := d.value(e)
		if err != nil {
			return false, err
		}
		if e, err = d.symbol(d.dist[:], distBits); err != nil {
			return false, err
		}
		distance, err := d.value(e)
		if err != nil {
			return false, err
		}
		from := d.op - distance
		if from < d.low {
			return false, d.corrupt()
		}
		for i := range length {
			d.out[d.op+i] = d.out[from+i]
		}
		d.op += length
	}
	return false, nil
}

// symbol returns the entry of the next code and drops the bits of the code.
func (d *Decoder) symbol(table []uint32, tableBits uint) (uint32, error) {
	if d.nb < maxBits {
		if err := d.load(); err != nil {
			return 0, err
		}
	}
	e := table[d.bits&(1<<tableBits-1)]
	code := uint(e >> entryCode & entryTake)
	if e&entrySub != 0 {
		e = table[uint64(e>>entryValue)+d.bits>>tableBits&(1<<code-1)]
		code = tableBits + uint(e>>entryCode&entryTake)
	}
	switch {
	case code > d.nb:
		return 0, d.ended()
	case e&(entryExc|entryEnd) == entryExc:
		return 0, d.corrupt()
	}
	d.drop(code)
	return e, nil
}

// value takes the extra bits of e, whose code was dropped.
func (d *Decoder) value(e uint32) (int, error) {
	base := int(e >> entryValue & (1<<15 - 1))
	extra, err := d.take(uint(e&entryTake) - uint(e>>entryCode&entryTake))
	return base + int(extra), err
}
