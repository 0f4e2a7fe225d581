//go:build !e2e

package trustroot_test

const kills = 2
