//go:build e2e && !long

package inbox_test

const kills = 8
