//go:build e2e && long

package docker_test

import "testing"

func TestHundredThousandContainers(t *testing.T) { manyContainers(t, 100_000) }
