package testground

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Modules whose files tests read as their authors publish them.
const (
	OpenReportsModule = "github.com/openreports/reports-api@v0.2.1"
	// KyvernoModule has the definitions of wgpolicyk8s.io, which no module of its own
	// publishes.
	KyvernoModule = "github.com/kyverno/kyverno@v1.13.4"
)

// ModuleDir returns the folder of a module at a version, which it downloads first
// if Go's own cache does not hold it.
func ModuleDir(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = os.TempDir() // outside every module
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("download module %s: %w", module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		return "", fmt.Errorf("download module %s: %w", module, err)
	}
	return m.Dir, nil
}
