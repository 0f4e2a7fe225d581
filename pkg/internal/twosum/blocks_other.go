//go:build !amd64 || purego

package twosum

const available = false

func twoBlocks(_, _ *[8]uint32, _ []byte) { panic("twosum: not available") }
