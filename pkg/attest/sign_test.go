package attest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/verify"
)

// token is an identity token in form; nobody signed it.
const token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiJjYW5hcnkifQ.CANARY"

func pemOf(t *testing.T, kind string, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// cosignKey is a key as cosign writes it, with the cheapest derivation that is
// accepted.
func cosignKey(t *testing.T, key crypto.PrivateKey, password string) []byte {
	t.Helper()
	block, _ := pem.Decode(pemOf(t, "PRIVATE KEY", key))
	secret, err := encrypted.EncryptWithCustomKDFParameters(block.Bytes, []byte(password), encrypted.Legacy)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: secret})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	p256, ed := testtrust.NewKey(t), testtrust.FixedKey(7)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	sigstore := cosignKey(t, p256, "CANARY")
	for _, tt := range []struct {
		name     string
		text     []byte
		password string
		want     crypto.Signer // nil = refused
	}{
		{"PKCS #8", pemOf(t, "PRIVATE KEY", p256), "", p256},
		{"Ed25519", pemOf(t, "PRIVATE KEY", ed), "", ed},
		{"cosign's", sigstore, "CANARY", p256},
		{"cosign's former", bytes.ReplaceAll(sigstore, []byte("SIGSTORE"), []byte("COSIGN")), "CANARY", p256},
		{"wrong password", sigstore, "CANARY2", nil},
		{"P-384", pemOf(t, "PRIVATE KEY", p384), "", nil},
		{"RSA", pemOf(t, "PRIVATE KEY", long), "", nil},
		{"public", testtrust.PublicPEM(t, p256.Public()), "", nil},
		{"other PEM", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")}), "", nil},
		{"no key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "", nil},
		{"two", append(pemOf(t, "PRIVATE KEY", p256), pemOf(t, "PRIVATE KEY", ed)...), "", nil},
		{"nothing", nil, "", nil},
		{"large", bytes.Repeat([]byte("x"), 1<<20), "", nil},
	} {
		key, err := attest.ReadKey(tt.text, tt.password)
		if (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: the password is in %q", tt.name, err)
		}
		if tt.want != nil && !bytes.Equal(key.Public(), testtrust.PublicPEM(t, tt.want.Public())) {
			t.Errorf("%s: another key was read", tt.name)
		}
	}
}

// verified is the bundle as intact reads it from a registry.
func verified(t *testing.T, bundle []byte, trust verify.Trust) fact.Signature {
	t.Helper()
	trust.Predicates = []string{attest.PredicateType}
	v, err := verify.New(trust)
	if err != nil {
		t.Fatal(err)
	}
	return v.Bundle(bundle, verify.Subject{Digest: digest("a")})
}

func statement(t *testing.T) []byte {
	t.Helper()
	b, err := attest.Statement(verdict(policy.Allow))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSignWithKey(t *testing.T) {
	t.Parallel()
	s := testtrust.New(t, testtrust.Options{})
	srv := httptest.NewServer(s.Services(token))
	defer srv.Close()
	root := []verify.Root{{Name: "root", JSON: s.RootJSON()}}
	for name, private := range map[string]crypto.Signer{"P-256": testtrust.NewKey(t), "Ed25519": testtrust.FixedKey(3)} {
		key, err := attest.ReadKey(pemOf(t, "PRIVATE KEY", private), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, rekor := range []string{"", srv.URL + "/"} {
			bundle, err := attest.Signer{Key: key, Rekor: rekor}.Sign(t.Context(), statement(t))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := verified(t, bundle, verify.Trust{Keys: []verify.Key{{Name: "k", PEM: key.Public()}}, Roots: root})
			if got.State != fact.SignatureVerified || got.Kind != fact.KindAttestation || got.PredicateType != attest.PredicateType ||
				len(got.Claims) == 0 || got.Claims[0] != digest("a") {
				t.Errorf("%s, log %q: %+v", name, rekor, got)
			}
			if logged := len(got.Proofs) > 0 && len(got.Proofs[0].Logs) > 0; logged != (rekor != "") {
				t.Errorf("%s, log %q: logged %v", name, rekor, logged)
			}
			other := verified(t, bundle, verify.Trust{Keys: []verify.Key{{Name: "k", PEM: testtrust.PublicPEM(t, testtrust.NewKey(t).Public())}}})
			if other.State == fact.SignatureVerified {
				t.Errorf("%s: verified by another key", name)
			}
		}
	}
}

func TestSignKeyless(t *testing.T) {
	t.Parallel()
	s := testtrust.New(t, testtrust.Options{})
	srv := httptest.NewServer(s.Services(token))
	defer srv.Close()
	signer := attest.Signer{Token: token, Fulcio: srv.URL, Rekor: srv.URL, Root: s.RootJSON()}
	bundle, err := signer.Sign(t.Context(), statement(t))
	if err != nil {
		t.Fatal(err)
	}
	got := verified(t, bundle, verify.Trust{Roots: []verify.Root{{Name: "root", JSON: s.RootJSON()}}})
	if got.State != fact.SignatureVerified || len(got.Proofs) != 1 || got.Proofs[0].Identity == nil || got.Proofs[0].Identity.Issuer != testtrust.Issuer ||
		!got.Proofs[0].SCT || len(got.Proofs[0].Logs) != 1 {
		t.Errorf("got %+v", got)
	}
	if bytes.Contains(bundle, []byte("CANARY")) {
		t.Error("the token is in the bundle")
	}
	// What does not hold under the root is not handed out.
	signer.Root = testtrust.New(t, testtrust.Options{}).RootJSON()
	if _, err := signer.Sign(t.Context(), statement(t)); err == nil {
		t.Error("signed under another root")
	}
	// A service that says the token back.
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	defer back.Close()
	signer.Fulcio = back.URL
	if _, err := signer.Sign(t.Context(), statement(t)); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
}

func TestSigners(t *testing.T) {
	t.Parallel()
	key, err := attest.ReadKey(pemOf(t, "PRIVATE KEY", testtrust.FixedKey(1)), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s  attest.Signer
		ok bool
	}{
		{attest.Signer{Key: key}, true},
		{attest.Signer{Token: token}, true},
		{attest.Signer{Key: key, Rekor: "https://rekor.example.test"}, true},
		{attest.Signer{}, false},
		{attest.Signer{Key: key, Token: token}, false},
		{attest.Signer{Key: key, Fulcio: "https://fulcio.example.test"}, false},
		{attest.Signer{Token: token, Rekor: "rekor"}, false},
	} {
		if err := tt.s.Check(); (err == nil) != tt.ok {
			t.Errorf("%v: %v", tt.s, err)
		}
	}
}

func FuzzReadKey(f *testing.F) {
	der, err := x509.MarshalPKCS8PrivateKey(testtrust.FixedKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: []byte(
		`{"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":"AA=="},"cipher":{"name":"nacl/secretbox","nonce":"AA=="},"ciphertext":"AA=="}`)}))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := attest.ReadKey(text, "")
		if (key == nil) == (err == nil) {
			t.Errorf("key %v, error %v", key, err)
		}
	})
}
