//go:build !purego

package twosum

// available says whether the processor has the instructions.
var available = hasSHA()

// hasSHA asks the processor for SHA, SSSE3 and SSE4.1.
func hasSHA() bool

// twoBlocks adds the blocks of p, whole ones, to both states.
//
//go:noescape
func twoBlocks(a, b *[8]uint32, p []byte)
