//go:build linux && !e2e

package overlay

import (
	"os"
	"testing"
)

// needRoot skips a test of what only root can make. The same tests run with the
// tag e2e, where root is a must.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("devices, owners and trusted.* attributes need root; go test -tags e2e insists on it")
	}
}
