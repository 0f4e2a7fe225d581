//go:build !e2e

package inbox_test

import "testing"

func postgres(*testing.T) string                  { return "" }
func ownDatabase(t *testing.T, url string) string { return url }
