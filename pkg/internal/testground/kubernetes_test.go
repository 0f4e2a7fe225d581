package testground

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// The parts of Kubernetes are of the release of the whole.
func TestKubernetesModule(t *testing.T) {
	t.Parallel()
	module := filepath.Join("..", "..", "..", "testdata", "kubernetes")
	version, key, err := kubernetesVersion(module)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(version, "v1.34.") || !strings.HasPrefix(key, version+"-") {
		t.Errorf("version %q, key %q; want a 1.34", version, key)
	}
	name := filepath.Join(module, "go.mod")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := modfile.Parse(name, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	part := "v0." + strings.TrimPrefix(version, "v1.")
	for _, r := range m.Replace {
		if r.Old.Path != r.New.Path || r.New.Version != part {
			t.Errorf("%s is replaced by %s, want its %s", r.Old.Path, r.New, part)
		}
	}
	if len(m.Replace) == 0 || len(m.Tool) != 5 {
		t.Errorf("%d replacements and %d commands, want some and 5", len(m.Replace), len(m.Tool))
	}
}
