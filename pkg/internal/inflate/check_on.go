//go:build inflatecheck

package inflate

import "fmt"

// checkIn panics unless the word at ip ends before end or in the slack behind
// a full buffer.
func checkIn(ip uint, end int) {
	if ip+8 > uint(end) {
		panic(fmt.Sprintf("inflate: input index %d of %d", ip, end))
	}
}

// checkOut panics unless n bytes at i are inside.
func checkOut(i, n uint) {
	if i >= outSize || i+n > outSize+outSlack {
		panic(fmt.Sprintf("inflate: output index %d, %d bytes", i, n))
	}
}

// checkTable panics unless i is inside a table of n entries.
func checkTable(i, n uint) {
	if i >= n {
		panic(fmt.Sprintf("inflate: table index %d of %d", i, n))
	}
}
