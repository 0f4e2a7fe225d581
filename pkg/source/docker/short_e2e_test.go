//go:build e2e && linux && !long

package docker_test

import "testing"

func moby(*testing.T) string { return "" }
