//go:build e2e && linux

package docker_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// engines are the real ones; under -tags long Docker 29 too, which has to be
// built.
func engines(t *testing.T) map[string]func() (*testground.Docker, error) {
	t.Helper()
	all := map[string]func() (*testground.Docker, error){
		"docker_20.10": func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), "") },
		"podman":       func() (*testground.Docker, error) { return testground.StartPodman(t.Context()) },
	}
	for name, begin := range moreEngines(t) {
		all[name] = begin
	}
	return all
}
