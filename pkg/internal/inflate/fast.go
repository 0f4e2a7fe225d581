package inflate

import "encoding/binary"

// fast expands a block of codes while there are fastInput bytes of input up to
// iend and room for what one turn may write. It reports whether the block has
// ended; if not, there is no more input or room, or a run of literals with pairs
// begins. The caller has made sure of input and room.
//
// One turn begins with 56 bits or more and the entry of the next code at hand.
// It takes up to four literals of at most litBits bits, or up to three and a
// length, 33 + 20 bits; then a distance, up to 28 more.
func (d *Decoder) fast(iend int) (end bool, err error) {
	ip, op := uint(d.ip), uint(d.op)
	inEnd, low := uint(iend-fastTurn), d.low
	bits, nb, ip := d.refill(d.bits, uint64(d.nb), ip)
	e := d.lit[bits&litMask]
	for ip <= inEnd && op <= uint(d.stop) && e < firstRunning {
		saved := bits
		bits >>= e & 63
		nb -= uint64(e)
		if e&entryLit != 0 {
			d.put(op, e)
			op++
			e = d.lit[bits&litMask]
			saved = bits
			bits >>= e & 63
			nb -= uint64(e)
			if e&entryLit != 0 {
				d.put(op, e)
				op++
				e = d.lit[bits&litMask]
				saved = bits
				bits >>= e & 63
				nb -= uint64(e)
				if e&entryLit != 0 {
					d.put(op, e)
					op++
					e = d.lit[bits&litMask]
					saved = bits
					bits >>= e & 63
					nb -= uint64(e)
					if e&entryLit != 0 {
						d.put(op, e)
						op++
						e = d.lit[bits&litMask] // 56 bits less four times 11 are enough
						bits, nb, ip = d.refill(bits, nb, ip)
						continue
					}
				}
			}
		}
		if e&entryExc != 0 {
			if e&entrySub != 0 {
				i := uint(e>>entryValue) + uint(bits&^(^uint64(0)<<(e>>entryCode&63)))
				checkTable(i, litSize)
				e = d.lit[i&(litSize-1)]
				saved = bits
				bits >>= e & 63
				nb -= uint64(e)
				if e&entryLit != 0 {
					d.put(op, e)
					op++
					bits, nb, ip = d.refill(bits, nb, ip)
					e = d.lit[bits&litMask]
					continue
				}
			}
			if e&entryExc != 0 {
				d.leave(bits, nb, ip, op)
				if e&entryEnd != 0 {
					return true, nil
				}
				return false, d.corrupt()
			}
		}
		length := uint(e>>entryValue) + uint(saved&^(^uint64(0)<<(e&63))>>(e>>entryCode&63))

		if nb&63 < 28 {
			bits, nb, ip = d.refill(bits, nb, ip)
		}
		e = d.dist[bits&distMask]
		if e&entryExc != 0 {
			if e&entrySub != 0 {
				bits >>= distBits
				nb -= distBits
				i := uint(e>>entryValue) + uint(bits&^(^uint64(0)<<(e>>entryCode&63)))
				checkTable(i, distSize)
				e = d.dist[i&(distSize-1)]
			}
			if e&entryExc != 0 {
				d.leave(bits, nb, ip, op)
				return false, d.corrupt()
			}
		}
		saved = bits
		bits >>= e & 63
		nb -= uint64(e)
		distance := uint(e>>entryValue) + uint(saved&^(^uint64(0)<<(e&63))>>(e>>entryCode&63))
		from := op - distance
		if int(from) < low {
			d.leave(bits, nb, ip, op)
			return false, d.corrupt()
		}
		to := op
		op += length
		bits, nb, ip = d.refill(bits, nb, ip)
		e = d.lit[bits&litMask] // while the bytes are copied

		switch {
		case distance >= 16:
			d.copy16(to, from)
			d.copy16(to+16, from+16)
			for to += 32; to < op; to += 32 {
				from += 32
				d.copy16(to, from)
				d.copy16(to+16, from+16)
			}
		case distance >= 8:
			for ; to < op; to += 8 {
				d.copy8(to, from)
				from += 8
			}
		default:
			// Every step makes as many bytes of the pattern as there were.
			for ; to < op; to += distance {
				d.copy8(to, from)
				from += distance
			}
		}
	}
	d.leave(bits, nb, ip, op)
	return false, nil
}

// literals expands a run of literals of a table with pairs, as fast does. One
// turn takes up to two entries of two codes of at most litBits bits, so that 12
// bits are left for the look-up of the next.
func (d *Decoder) literals() {
	ip, op := uint(d.ip), uint(d.op)
	inEnd := uint(d.iend - fastTurn)
	bits, nb, ip := d.refill(d.bits, uint64(d.nb), ip)
	e := d.lit[bits&litMask]
	for e >= firstRunning && ip <= inEnd && op <= uint(d.stop) {
		d.putTwo(op, e, d.lit[bits>>(e>>entryCode&63)&litMask])
		op += uint(e>>30) - 1
		bits >>= e & 63
		nb -= uint64(e)
		e = d.lit[bits&litMask]
		if e >= firstRunning {
			d.putTwo(op, e, d.lit[bits>>(e>>entryCode&63)&litMask])
			op += uint(e>>30) - 1
			bits >>= e & 63
			nb -= uint64(e)
			e = d.lit[bits&litMask]
		}
		bits, nb, ip = d.refill(bits, nb, ip)
	}
	d.leave(bits, nb, ip, op)
}

// refill makes at least 56 bits available. Bits from nb up may be input too:
// reading them twice does no harm, so whole words are taken. nb is right modulo
// 64 only, which is what shifts look at.
func (d *Decoder) refill(bits, nb uint64, ip uint) (uint64, uint64, uint) {
	checkIn(ip, d.iend)
	i := ip & inMask
	bits |= binary.LittleEndian.Uint64(d.in[i:i+8]) << (nb & 63)
	return bits, nb | 56, ip + uint(^nb>>3)&7
}

// leave ends a run of the fast loop with no whole byte among the bits.
func (d *Decoder) leave(bits, nb uint64, ip, op uint) {
	d.bits, d.nb, d.ip, d.op = bits, uint(nb&63), int(ip), int(op)
	d.unload()
}

func (d *Decoder) put(op uint, e uint32) {
	checkOut(op, 1)
	d.out[op&outMask] = byte(e >> entryValue)
}

// putTwo writes a literal and the one after it, which means nothing if e is no
// pair: then the next overwrites it.
func (d *Decoder) putTwo(op uint, e, next uint32) {
	checkOut(op, 2)
	i := op & outMask
	d.out[i] = byte(e >> entryValue)
	d.out[i+1] = byte(next >> entryValue)
}

func (d *Decoder) copy8(to, from uint) {
	checkOut(to, 8)
	checkOut(from, 8)
	t, f := to&outMask, from&outMask
	binary.LittleEndian.PutUint64(d.out[t:t+8], binary.LittleEndian.Uint64(d.out[f:f+8]))
}

// copy16 copies 16 bytes; the compiler makes one load and one store of it.
func (d *Decoder) copy16(to, from uint) {
	checkOut(to, 16)
	checkOut(from, 16)
	t, f := to&outMask, from&outMask
	*(*[16]byte)(d.out[t : t+16]) = *(*[16]byte)(d.out[f : f+16])
}
