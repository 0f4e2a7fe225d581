//go:build !e2e

package jobs_test

import "testing"

func postgres(*testing.T) bool            { return false }
func ownDatabase(*testing.T) (url string) { return "" }
