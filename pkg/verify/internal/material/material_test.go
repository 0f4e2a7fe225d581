package material

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
)

func pemOf(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	return testtrust.PublicPEM(t, public)
}

// adv-SIG-17: the allow-list of keys.
func TestParseKeyTakesOnlyWhatIsListed(t *testing.T) {
	t.Parallel()
	curve := func(c elliptic.Curve) crypto.PublicKey {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	right, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// A modulus without known factors serves: nothing is verified with it.
	long := &rsa.PublicKey{N: right.N, E: 65537}
	long.N = new(big.Int).Lsh(long.N, 2048*7)
	fixed := pemOf(t, testtrust.FixedKey(1).Public())
	block, _ := pem.Decode(fixed)
	offCurve := slices.Clone(mustDER(t, curve(elliptic.P256())))
	offCurve[len(offCurve)-1] ^= 1
	for _, c := range []struct {
		name string
		text []byte
		why  string // "" = taken
	}{
		{"P-256", pemOf(t, curve(elliptic.P256())), ""},
		{"P-384", pemOf(t, curve(elliptic.P384())), ""},
		{"P-521", pemOf(t, curve(elliptic.P521())), ""},
		{"Ed25519", fixed, ""},
		{"RSA 2048", pemOf(t, right.Public()), ""},
		{"surrounding space", append(append([]byte("\n  \n"), fixed...), "\n\n"...), ""},
		{"P-224", pemOf(t, curve(elliptic.P224())), "P-224"},
		{"RSA 1024", pemOf(t, short.Public()), "1024 bits"},
		{"RSA 16384", pemOf(t, long), "16384 bits"},
		{"not on the curve", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: offCurve}), "curve"},
		{"two keys", append(slices.Clone(fixed), fixed...), "after the first"},
		{"text after", append(slices.Clone(fixed), "hello"...), "after the first"},
		{"text before", append([]byte("hello\n"), fixed...), "before the PEM"},
		{"no PEM", block.Bytes, "no PEM block"},
		{"private key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes}), "PRIVATE KEY"},
		{"certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}), "CERTIFICATE"},
		{"garbage", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "asn1"},
	} {
		k, err := ParseKey("name", c.text)
		switch {
		case c.why == "" && (err != nil || k == nil || len(k.Verifiers) == 0):
			t.Errorf("%s: %v", c.name, err)
		case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), `"name"`)):
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.why)
		}
	}
}

func mustDER(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Every way of signing that is in use verifies under the key, no other does.
func TestVerifiersCoverWhatSignersDo(t *testing.T) {
	t.Parallel()
	message := []byte("message")
	edKey := testtrust.FixedKey(1)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		key  crypto.Signer
		hash crypto.Hash
		opts []signature.LoadOption
		want bool
	}{
		{"Ed25519", edKey, crypto.Hash(0), nil, true},
		{"Ed25519ph", edKey, crypto.SHA512, []signature.LoadOption{options.WithED25519ph()}, true},
		{"P-384 with SHA-384", p384, crypto.SHA384, nil, true},
		{"P-384 with SHA-256", p384, crypto.SHA256, nil, true},
		{"P-384 with SHA-512", p384, crypto.SHA512, nil, false},
	} {
		signer, err := signature.LoadSignerWithOpts(c.key, append(c.opts, options.WithHash(c.hash))...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		sig, err := signer.SignMessage(bytes.NewReader(message))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := CheckSignature(c.key.Public(), sig, message) == nil; got != c.want {
			t.Errorf("%s: verified = %t, want %t", c.name, got, c.want)
		}
		if CheckSignature(c.key.Public(), sig, []byte("massage")) == nil {
			t.Errorf("%s: verified another message", c.name)
		}
	}
	verifiers, err := Verifiers(edKey.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	if TakesDigest(verifiers[0]) || !TakesDigest(verifiers[1]) {
		t.Error("pure Ed25519 must not take a digest, the other must")
	}
}

// One log, or one authority, is one witness.
func TestAddWitnessCountsOnce(t *testing.T) {
	t.Parallel()
	ws := AddWitness(nil, fact.Witness{ID: "a"})
	ws = AddWitness(ws, fact.Witness{ID: "a", At: testtrust.Time})
	ws = AddWitness(ws, fact.Witness{ID: "b"})
	ws = AddWitness(ws, fact.Witness{ID: "a"})
	if len(ws) != 2 || !ws[0].At.Equal(testtrust.Time) || !ws[1].At.IsZero() {
		t.Errorf("got %+v", ws)
	}
}

// Two stamps of one authority are one.
func TestTimestampsCountOnce(t *testing.T) {
	t.Parallel()
	s := testtrust.New(t, testtrust.Options{})
	r, err := ParseRoot("ours", s.RootJSON())
	if err != nil {
		t.Fatal(err)
	}
	sig := []byte("signature")
	stamps := [][]byte{s.Stamp(sig, testtrust.Time), []byte("garbage"), s.Stamp([]byte("other"), testtrust.Time), s.Stamp(sig, testtrust.Time)}
	if got := r.Timestamps(stamps, sig); len(got) != 1 || got[0].ID == "" || !got[0].At.Equal(testtrust.Time) {
		t.Errorf("got %+v", got)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		fold bool
		good bool
	}{
		{`{"a":1,"b":{"a":[{"a":1},{"a":2}]}}`, true, true},
		{`[1,"a","a",null,true,{}]`, true, true},
		{` "text" `, true, true},
		{`{"a":"a","b":"b"}`, true, true},
		{`{"a":1,"A":2}`, false, true},
		{`{"a":1,"A":2}`, true, false},
		{`{"a":1,"a":1}`, false, false},
		{`{"a":{"x":[],"b":1,"x":1}}`, false, false},
		{`{"a":[1,2],"a":1}`, false, false},
		{`{"\u0061":1,"a":1}`, false, false},
		{`{} {}`, false, false},
		{`{}x`, false, false},
		{`{`, false, false},
		{`{"a"`, false, false},
		{``, false, false},
		{"{\"a\":\"\xff\"}", false, false},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), false, false},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), false, true},
	} {
		if err := CheckJSON([]byte(c.text), c.fold); (err == nil) != c.good {
			t.Errorf("%s (fold %t): %v", shorten(c.text), c.fold, err)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	d := fact.Signature{}.Subject
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"` + strings.Repeat("a", 64) + `"}}],"predicateType":"p","predicate":{"x":1}}`))
	f.Add(testtrust.Statement(f, "p", nil, d))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","subject":null,"predicateType":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStatement(b, []string{"p"})
		if err != nil {
			if s != nil {
				t.Error("a statement and an error")
			}
			return
		}
		if len(s.Claims) == 0 || s.PredicateType == "" || s.Kind == "" {
			t.Errorf("a statement without claims, type or kind: %+v", s)
		}
		if s.Predicate != nil && s.PredicateType != "p" {
			t.Error("a predicate that was not asked for")
		}
	})
}
