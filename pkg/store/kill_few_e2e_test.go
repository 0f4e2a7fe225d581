//go:build e2e && !long

package store_test

const kills = 8
