//go:build e2e

package signatures_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/pkg/verify"
)

// What the real commands of cosign 2 and 3 sign and attest is found and
// verified, in a registry with and in one without the referrers API.
func TestRealCosign(t *testing.T) {
	t.Parallel()
	distribution, err := testground.StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = distribution.Close() })
	referrers := testground.StartReferrersRegistry()
	t.Cleanup(referrers.Close)
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tool   testground.GoTool
		attest []string
	}{
		{testground.CosignV2, []string{"--tlog-upload=false"}},
		{testground.CosignV3, []string{"--signing-config", "signing-config.json"}},
	} {
		for name, repository := range map[string]string{"distribution": distribution.Ref("app-" + c.tool.Version), "referrers": referrers.Ref("app-" + c.tool.Version)} {
			t.Run(c.tool.Version+"/"+name, func(t *testing.T) {
				cosign, err := testground.NewCosign(t.Context(), c.tool, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				key, err := cosign.GenerateKey(t.Context(), "key")
				if err != nil {
					t.Fatal(err)
				}
				built, err := testground.PushSpec(t.Context(), t.TempDir(), testimage.Spec{Images: []testimage.Image{{
					Layers: []testimage.Layer{{Files: []testimage.File{{Path: "a", Content: "a"}}}},
				}}}, repository+":1.0.0")
				if err != nil {
					t.Fatal(err)
				}
				digest := built.Root.Descriptor.Digest
				at := repository + "@" + string(digest)
				sign := cosign.SignV2
				if c.tool == testground.CosignV3 {
					sign = cosign.SignV3
				}
				if err := sign(t.Context(), key, at); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"attest", "--yes", "--key", key.Private, "--predicate", predicate, "--type", "https://example.test/predicate/v1"}, c.attest...)
				if _, err := cosign.Run(t.Context(), append(args, at)...); err != nil {
					t.Fatal(err)
				}
				public, err := os.ReadFile(key.Public)
				if err != nil {
					t.Fatal(err)
				}
				checkRealCosign(t, repository, digest, public)
			})
		}
	}
}

func checkRealCosign(t *testing.T, repository string, digest ref.Digest, public []byte) {
	t.Helper()
	src, err := registry.New(registry.Options{Keychain: registry.Anonymous{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ref.Parse(repository)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := image.FetchManifest(t.Context(), src, r.WithDigest(digest), ref.Descriptor{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.New(verify.Trust{Keys: []verify.Key{{Name: "k", PEM: public}}, Predicates: []string{"https://example.test/predicate/v1"}})
	if err != nil {
		t.Fatal(err)
	}
	listings, found := signatures.New().Gather(t.Context(), []signatures.Place{{Source: src, Referrer: src, Repository: r}},
		[]signatures.Subject{{Digest: digest, Bytes: fetched.Raw}}, v, signatures.Options{Attestations: true})
	for _, s := range append(listings.Statuses(), found.Statuses()...) {
		if s.State != fact.Known {
			t.Errorf("%+v", s)
		}
	}
	kinds := map[fact.SignatureKind]int{}
	for _, p := range found.Parts {
		s := p.V
		if s.State != fact.SignatureVerified || len(s.Claims) != 1 || s.Claims[0] != digest || len(s.Proofs) != 1 || s.Proofs[0].Key != "k" {
			t.Errorf("%+v", s)
		}
		if s.Kind == fact.KindAttestation && !json.Valid(s.Predicate) {
			t.Errorf("predicate %q", s.Predicate)
		}
		kinds[s.Kind]++
	}
	if kinds[fact.KindSignature] != 1 || kinds[fact.KindAttestation] != 1 {
		t.Errorf("found %v, want one of each", kinds)
	}
}
