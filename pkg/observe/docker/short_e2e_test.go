//go:build e2e && linux && !long

package docker_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

func moreEngines(*testing.T) map[string]func() (*testground.Docker, error) { return nil }
