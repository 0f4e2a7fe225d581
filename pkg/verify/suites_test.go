package verify_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// suite returns the folder of a public test suite beside the repository.
func suite(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "suites", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the suite %s is not beside the repository", name)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readOr(t testing.TB, path string, otherwise string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	return strings.TrimSpace(string(b))
}

// TestSigstoreConformance runs the cases of sigstore-conformance as its client
// would: one log, one proven time, and for certificates one certificate
// timestamp and the identity.
func TestSigstoreConformance(t *testing.T) {
	t.Parallel()
	dir := suite(t, "sigstore-conformance")
	cases := filepath.Join(dir, "test", "assets", "bundle-verify")
	entries, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		ran++
		t.Run(entry.Name(), func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(cases, entry.Name())
			want := !strings.HasSuffix(entry.Name(), "_fail")
			got, sig := conformance(t, dir, folder)
			if got != want {
				t.Errorf("accepted = %t, want %t: %+v", got, want, sig)
			}
			if !want {
				t.Logf("%q: %s", sig.State, sig.Why)
			}
		})
	}
	if ran < 70 {
		t.Errorf("%d cases, want at least 70", ran)
	}
}

func conformance(t *testing.T, dir, folder string) (bool, fact.Signature) {
	t.Helper()
	artifact := filepath.Join(folder, "artifact")
	if _, err := os.Stat(artifact); err != nil {
		artifact = filepath.Join(filepath.Dir(folder), "a.txt")
	}
	root := filepath.Join(folder, "trusted_root.json")
	if _, err := os.Stat(root); err != nil {
		root = filepath.Join(filepath.Dir(dir), "sigstore-go", "examples", "trusted-root-public-good.json")
	}
	trust := verify.Trust{Roots: []verify.Root{{Name: "root", JSON: read(t, root)}}}
	key := filepath.Join(folder, "key.pub")
	_, err := os.Stat(key)
	keyed := err == nil
	if keyed {
		trust.Keys = []verify.Key{{Name: "key", PEM: read(t, key)}}
	}
	v, err := verify.New(trust)
	if err != nil {
		return false, fact.Signature{Why: err.Error()}
	}
	b := read(t, artifact)
	subject := verify.Subject{Digest: ref.DigestOf(b, ""), Bytes: b}
	sig := v.Bundle(read(t, filepath.Join(folder, "bundle.sigstore.json")), subject)
	identity := readOr(t, filepath.Join(folder, "identity"), "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main")
	issuer := readOr(t, filepath.Join(folder, "issuer"), "https://token.actions.githubusercontent.com")
	if sig.State != fact.SignatureVerified || !slices.Contains(sig.Claims, subject.Digest) {
		return false, sig
	}
	return slices.ContainsFunc(sig.Proofs, func(p fact.Proof) bool {
		if len(p.Logs) == 0 {
			return false
		}
		if keyed {
			return p.Key == "key"
		}
		return p.SCT && p.Root == "root" && p.Identity.Subject == identity && p.Identity.Issuer == issuer
	}), sig
}
