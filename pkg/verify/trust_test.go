package verify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// Without any trust the parts are still read, and what is wrong is found.
func TestWithoutTrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, f := range forms {
		got := f.run(t, w.s, w.nothing, w.keyless, manifest, testtrust.Evidence{Log: testtrust.Time})
		if got.State != fact.SignatureUnverifiable || got.Why == "" || got.ClaimedSigner == nil || got.ClaimedSigner.Subject != testtrust.Subject || len(got.Claims) != 1 {
			t.Errorf("%s: %+v", f.name, got)
		}
	}
	l := w.s.Layer(t, w.keyless, testtrust.Payload(t, subject.Digest, nil), testtrust.Evidence{})
	got := w.nothing.SimpleSigning(t.Context(), testtrust.Payload(t, otherDigest, nil), l.Annotations)
	if got.State != fact.SignatureBroken || got.ClaimedSigner == nil {
		t.Errorf("changed payload: %+v", got)
	}
}

// The two real bundles and five test bundles of sigstore-go.
func TestSigstoreGoBundles(t *testing.T) {
	t.Parallel()
	dir := suite(t, "sigstore-go")
	data := filepath.Join(dir, "pkg", "testing", "data")
	root := func(path string) []verify.Root { return []verify.Root{{Name: "root", JSON: read(t, path)}} }
	public := filepath.Join(dir, "examples", "trusted-root-public-good.json")
	own := filepath.Join(data, "trusted-roots", "public-key-validity.json")
	hello := read(t, filepath.Join(dir, "examples", "sigstore-go-signing", "hello_world.txt"))
	for _, c := range []struct {
		file  string
		trust verify.Trust
		state fact.SignatureState
		kind  fact.SignatureKind
	}{
		{"examples/bundle-provenance.json", verify.Trust{Roots: root(public)}, fact.SignatureVerified, fact.KindAttestation},
		{"pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json", verify.Trust{Roots: root(public)}, fact.SignatureVerified, fact.KindAttestation},
		{"examples/bundle-publish.json", verify.Trust{Keys: []verify.Key{{Name: "npm", PEM: read(t, filepath.Join(dir, "examples", "publish_key.pub"))}}}, fact.SignatureVerified, fact.KindAttestation},
		{"pkg/testing/data/bundles/dsse-2sigs.sigstore.json", verify.Trust{Roots: root(public)}, fact.SignatureBroken, fact.KindAttestation},
		{"pkg/testing/data/bundles/public-key-validity.sigstore.json", verify.Trust{Roots: root(own)}, fact.SignatureUnverifiable, ""},
	} {
		got := newVerifier(t, c.trust).Bundle(read(t, filepath.Join(dir, filepath.FromSlash(c.file))), verify.Subject{Digest: ref.DigestOf(hello, ""), Bytes: hello})
		if got.State != c.state || c.kind != "" && got.Kind != c.kind {
			t.Errorf("%s: %q %q, want %q: %s", c.file, got.State, got.Kind, c.state, got.Why)
		}
	}
	entries, err := os.ReadDir(filepath.Join(data, "bundles"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got := newVerifier(t, verify.Trust{}).Bundle(read(t, filepath.Join(data, "bundles", e.Name())), subject)
		if got.State == fact.SignatureVerified {
			t.Errorf("%s: verified without trust", e.Name())
		}
		t.Logf("%s: %q %v %s", e.Name(), got.State, got.ClaimedSigner, got.Why)
	}
}

// A root under which the log had ended by then does not take away what another
// root proves; alone it makes the entry wrong.
func TestRootsThatDifferAboutALog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var root map[string]any
	if err := json.Unmarshal(w.s.RootJSON(), &root); err != nil {
		t.Fatal(err)
	}
	log := root["tlogs"].([]any)[0].(map[string]any)["publicKey"].(map[string]any)
	log["validFor"].(map[string]any)["end"] = testtrust.Time.Add(-time.Hour).Format(time.RFC3339)
	ended, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	keys := []verify.Key{key(t, "held", w.held)}
	old := verify.Root{Name: "ended", JSON: ended}
	both := newVerifier(t, verify.Trust{Keys: keys, Roots: []verify.Root{old, {Name: "ours", JSON: w.s.RootJSON()}}})
	alone := newVerifier(t, verify.Trust{Keys: keys, Roots: []verify.Root{old}})
	for _, by := range []testtrust.Signer{w.held, w.keyless} {
		for _, f := range forms {
			got := f.run(t, w.s, both, by, manifest, testtrust.Evidence{Log: testtrust.Time})
			if got.State != fact.SignatureVerified || len(got.Proofs) != 1 || got.Proofs[0].Root != "ours" {
				t.Errorf("%s, both: %+v", f.name, got)
			}
			got = f.run(t, w.s, alone, by, manifest, testtrust.Evidence{Log: testtrust.Time})
			if got.State != fact.SignatureBroken || !strings.Contains(got.Why, "log entry does not hold") {
				t.Errorf("%s, alone: %+v", f.name, got)
			}
		}
	}
}
