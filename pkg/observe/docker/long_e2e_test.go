//go:build e2e && linux && long

package docker_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// moreEngines has to be built first, which takes minutes.
func moreEngines(t *testing.T) map[string]func() (*testground.Docker, error) {
	t.Helper()
	dockerd, err := testground.Moby.Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() (*testground.Docker, error){
		"docker_29": func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), dockerd) },
	}
}

func TestHundredThousandContainers(t *testing.T) { manyContainers(t, 100_000) }
