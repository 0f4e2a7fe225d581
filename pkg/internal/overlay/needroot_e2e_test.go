//go:build linux && e2e

package overlay

import (
	"os"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("devices, owners and trusted.* attributes need root")
	}
}
