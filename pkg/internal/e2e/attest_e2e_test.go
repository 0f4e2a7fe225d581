//go:build e2e && linux

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

const summary = "https://slsa.dev/verification_summary/v1"

// A verdict that was pushed is found and verified by cosign, of both versions, and
// by intact: as a referrer, and under the fallback tag of a registry without the
// API.
func TestAttest(t *testing.T) {
	g := newGround(t)
	ed := filepath.Join(t.TempDir(), "ed.pem")
	edPublic := strings.TrimSuffix(ed, ".pem") + ".pub"
	openssl := must(testground.Command("openssl", "openssl"))(t)
	for _, args := range [][]string{{"genpkey", "-algorithm", "ed25519", "-out", ed}, {"pkey", "-in", ed, "-pubout", "-out", edPublic}} {
		if out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl: %v\n%s", err, out)
		}
	}
	referrers := testground.StartReferrersRegistry()
	t.Cleanup(referrers.Close)
	for name, ref := range map[string]string{
		"fallback tag":  g.registry.Ref("attested:1.0.0"),
		"referrers API": referrers.Ref("attested:1.0.0"),
	} {
		for kind, key := range map[string]testground.Key{"cosign key": g.key, "ed25519": {Private: ed, Public: edPublic}} {
			t.Run(name+" "+kind, func(t *testing.T) {
				image := strings.Replace(ref, "attested", "attested/"+strings.ReplaceAll(kind, " ", "-"), 1)
				spec := app(kind, "linux/amd64", "linux/arm64")
				built := must(testground.PushSpec(t.Context(), t.TempDir(), spec, image))(t)
				ok(t, g.v3.SignV3(t.Context(), g.key, atDigest(image, built)))
				policy := g.wanting(t, key.Public)
				g.scan(t, "--policy", policy, image).want(t, 1, []string{"SIG005"}, "DENIED")

				if err := verifyAttestation(t, g.v3, key.Public, image); err == nil {
					t.Error("cosign found a statement before there was one")
				}
				said := g.attest(t, 0, "--key", key.Private, "--push", "--each-platform", image)
				if !strings.Contains(said, "attested as PASSED") || !strings.Contains(said, string(built.Root.Descriptor.Digest)) {
					t.Errorf("it said %q", said)
				}
				ok(t, verifyAttestation(t, g.v3, key.Public, image))
				if err := verifyAttestation(t, g.v3, g.otherKey(t).Public, image); err == nil {
					t.Error("cosign verified it by another key")
				}
				g.scan(t, "--policy", policy, image).want(t, 0, nil, "ALLOWED")

				// One that failed beside it: cosign finds both, the policy one that passed.
				g.attest(t, 1, "--key", key.Private, "--push", "--policy", g.wanting(t, g.otherKey(t).Public), image)
				g.scan(t, "--policy", policy, image).want(t, 0, nil, "ALLOWED")
			})
		}
	}
}

// wanting is a policy that wants the ground's signature and a statement that
// passed, by a key.
func (g *ground) wanting(t *testing.T, public string) string {
	t.Helper()
	dir := t.TempDir()
	for file, from := range map[string]string{"key.pub": public, "release.pub": g.key.Public} {
		ok(t, os.WriteFile(filepath.Join(dir, file), must(os.ReadFile(from))(t), 0o600))
	}
	name := filepath.Join(dir, "policy.yaml")
	ok(t, os.WriteFile(name, []byte(`schema: intact.policy/v1
name: wanting
extends: baseline@1
checks: {SIG: deny}
signatures:
  - images: ["**"]
    anyOf: [{name: release, key: release.pub, transparencyLog: not-required}]
    attestations:
      - predicateType: `+summary+`
        where: 'predicate.verificationResult == "PASSED"'
        anyOf: [{name: verifier, key: key.pub, transparencyLog: not-required}]
`), 0o600))
	return name
}

func verifyAttestation(t *testing.T, c *testground.Cosign, public, image string) error {
	t.Helper()
	out, err := c.Run(t.Context(), "verify-attestation", "--key", public, "--insecure-ignore-tlog=true", "--allow-http-registry", "--type", summary, image)
	if err == nil && !strings.Contains(out, "payload") {
		t.Errorf("cosign wrote %q", out)
	}
	return err
}

// attest runs intact attest and returns what it said on stderr.
func (g *ground) attest(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.bin, append([]string{"attest"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "XDG_CACHE_HOME="+cmd.Dir, "COSIGN_PASSWORD=")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("intact attest %q: exit code %d, want %d\n%s\n%s", args, got, code, stdout.String(), stderr.String())
	}
	return stderr.String()
}
