//go:build e2e && linux

package docker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
	"github.com/intact-dev/intact/pkg/source/docker"
)

// A realEngine is started by a test, with what its IDs name.
type realEngine struct {
	start func() (*testground.Docker, error)
	kind  fact.DigestKind
}

func TestRealEngines(t *testing.T) {
	t.Parallel()
	engines := map[string]realEngine{
		"docker_20.10": {func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), "") }, fact.DigestConfig},
		"podman":       {func() (*testground.Docker, error) { return testground.StartPodman(t.Context()) }, fact.DigestConfig},
	}
	if dockerd := moby(t); dockerd != "" {
		engines["docker_29"] = realEngine{func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), dockerd) }, fact.DigestManifest}
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startEngine(t, engine.start)
			var files bytes.Buffer
			if err := testground.WriteApp(&files); err != nil {
				t.Fatal(err)
			}
			id, err := d.Run(t.Context(), &files, "import", "-", "registry.example/acme/app:1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			id = id[strings.LastIndex(id, "sha256:"):]
			for _, name := range []string{"registry.example/acme/app:1.0.0", id} {
				src := openReal(t, d, name)
				if known := src.Known(); string(known.ID) != id || known.Kind != engine.kind {
					t.Errorf("%s: known %+v, want the ID %s of a %s", name, known, id, engine.kind)
				}
				if got := src.Proves().Manifest; got != (engine.kind != fact.DigestConfig) {
					t.Errorf("%s: proves the manifest: %v", name, got)
				}
				readWhole(t, src, ref.Ref{})
			}
			_, err = tryReal(t, d, "registry.example/acme/nowhere:1")
			wantError(t, err, fact.NotFound, "nowhere")
		})
	}
}

func startEngine(t *testing.T, start func() (*testground.Docker, error)) *testground.Docker {
	t.Helper()
	d, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func tryReal(t *testing.T, d *testground.Docker, name string) (*docker.Source, error) {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { wantEmpty(t, dir) })
	return docker.Open(t.Context(), name, docker.Options{Engine: dockerengine.Options{Host: d.Host}, TempDir: dir, Timeout: 10 * time.Minute,
		Open: func(ctx context.Context, file string) (docker.Opened, error) { return archive.Open(ctx, file) }})
}

func openReal(t *testing.T, d *testground.Docker, name string) *docker.Source {
	t.Helper()
	src, err := tryReal(t, d, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src
}

// readWhole reads the manifest that r names and everything in it.
func readWhole(t *testing.T, src *docker.Source, r ref.Ref) {
	t.Helper()
	a, err := src.Manifest(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Config ref.Descriptor
		Layers []ref.Descriptor
	}
	if err := json.Unmarshal(a.Body, &m); err != nil || len(m.Layers) == 0 {
		t.Fatalf("manifest %s, %v", a.Body, err)
	}
	for _, d := range append(m.Layers, m.Config) {
		rc, err := src.Blob(t.Context(), r, d)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		_ = rc.Close()
		if err != nil || ref.DigestOf(b, "") != d.Digest {
			t.Errorf("%s: %d bytes that hash to %s, %v", d.Digest, len(b), ref.DigestOf(b, ""), err)
		}
	}
}
