//go:build e2e && linux

package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
)

func (g *ground) tool(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	return cmd
}

// tamper replaces the file run of the image's last layer on the registry's
// disk. The bytes are a whole gzip of a whole tar; the registry serves them
// under the old digest.
func (g *ground) tamper(t *testing.T, built *testimage.Built) {
	t.Helper()
	evil := must(testimage.Build(app("evil")))(t)
	layers := built.Images[0].Layers
	path := g.registry.BlobPath(string(layers[len(layers)-1].Descriptor.Digest))
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	ok(t, os.WriteFile(path, evil.Images[0].Layers[1].Body, 0o600))
}

func testTamperedFirst(t *testing.T, g *ground) {
	built, ref := g.push(t, app("abcd"), "tampered/first:1.0.0")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built)))
	g.tamper(t, built)
	s := g.scan(t, ref)
	s.want(t, 1, s.denied(), "DENIED", "DENY DIG003", "layer 2")
	s.wantOnlyAbout(t, "DIG003", "DIG002", "DIG004")
	// The signature is on the manifest, which is as it was: it holds, and the bytes
	// still do not.
	s = g.scan(t, "--key", g.key.Public, "--insecure-ignore-tlog", atDigest(ref, built))
	s.want(t, 1, s.denied(), "DENIED", "DENY DIG003", "signed ok")
	s.wantOnlyAbout(t, "DIG003", "DIG002", "DIG004")
}

// wantOnlyAbout wants the first check denied, and nothing beside the others.
func (s scanned) wantOnlyAbout(t *testing.T, first string, others ...string) {
	t.Helper()
	got := map[string]bool{}
	for _, id := range s.denied() {
		got[id] = true
	}
	if !got[first] {
		t.Errorf("denied are %v, want %s", s.denied(), first)
	}
	delete(got, first)
	for _, id := range others {
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("denied are %v, want nothing but %s and %v", s.denied(), first, others)
	}
}

func testTamperedLater(t *testing.T, g *ground) {
	g = g.atHome(t)
	// Other bytes than the other test's: a registry keeps each blob once for all
	// repositories, and that one spoils its own.
	built, ref := g.push(t, app("efgh"), "tampered/later:1.0.0")
	g.scan(t, ref).want(t, 0, nil, "every byte hashed")
	g.tamper(t, built)

	// The cache answers for bytes that were good, and says when they were seen.
	s := g.scan(t, ref)
	s.want(t, 0, nil, "bytes seen "+time.Now().UTC().Format("2006-01-02"))

	s = g.scan(t, "--no-cache", ref)
	s.want(t, 1, s.denied(), "DENY DIG003")
	s = g.scan(t, "--policy", "strict", ref)
	s.want(t, 1, s.denied(), "DENY DIG003")
}

func testGoneLayer(t *testing.T, g *ground) {
	built, ref := g.push(t, app("gone"), "gone/layer:1.0.0")
	ok(t, os.Remove(g.registry.BlobPath(string(built.Images[0].Layers[1].Descriptor.Digest))))
	for _, depth := range []string{"manifest", "layers"} {
		s := g.scan(t, "--depth", depth, ref)
		s.want(t, 1, []string{"REF005"}, "DENIED", "DENY REF005")
	}
}

// An interrupted scan reports what it has and says that it is not all.
func testInterrupted(t *testing.T, g *ground) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			server := testregistry.New(t, testregistry.Options{})
			ref := server.Host + "/app:1.0.0"
			must(testground.PushSpec(t.Context(), t.TempDir(), app("interrupted"), ref))(t)
			server.Forget()
			server.MustMode(t, "app", "stall-blob")

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd, report := g.command(ctx, t, ref)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			ok(t, cmd.Start())
			until(ctx, t, func() bool { return server.Count("GET", testregistry.Blob) > 0 })
			ok(t, cmd.Process.Signal(sig))
			err := cmd.Wait()
			if ctx.Err() != nil {
				t.Fatalf("the program does not end on a signal: %v", err)
			}
			s := finished(t, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), report)
			s.want(t, 3, nil, "UNDECIDED")
			files := must(os.ReadDir(filepath.Dir(report)))(t)
			if len(files) != 1 {
				t.Errorf("files beside the report: %v", files)
			}
		})
	}
}

func until(ctx context.Context, t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatal("the scan never asked for a blob")
		case <-tick.C:
		}
	}
}
