// Package lazy puts off until it is asked for what takes time to make: whatever a
// package makes at its start, every run of the command pays for.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp returns a function that compiles pattern at its first call and returns
// the same expression from then on. It panics if pattern is none; a test of the
// repository reads all patterns, so that none is. It may be called concurrently.
//
//go:noinline
func Regexp(pattern string) func() *regexp.Regexp {
	// Inlined, a copy of all this would be in each of a hundred places.
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
