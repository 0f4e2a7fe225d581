//go:build e2e

package inflate

import (
	"os/exec"
	"testing"
)

// TestChecked runs this package's tests with every masked index compared with
// its real limit, and each fuzz target for some seconds.
func TestChecked(t *testing.T) {
	t.Parallel()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	for _, args := range [][]string{
		{"-count=1"},
		{"-run=^$", "-fuzz=^FuzzGzip$", "-fuzztime=5s"},
		{"-run=^$", "-fuzz=^FuzzRaw$", "-fuzztime=5s"},
		{"-run=^$", "-fuzz=^FuzzReuse$", "-fuzztime=5s"},
	} {
		cmd := exec.CommandContext(t.Context(), goTool, append([]string{"test", "-tags=inflatecheck"}, append(args, ".")...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
