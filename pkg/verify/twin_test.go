package verify_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/verify"
)

// A writer signs each message once, and writes that signature in its own way.
type writer struct {
	crypto.Signer
	once  *sync.Map // digest: signature
	write func(sig []byte) []byte
}

func writing(key crypto.Signer, write func([]byte) []byte) writer {
	return writer{key, &sync.Map{}, write}
}

func (w writer) as(write func([]byte) []byte) writer { return writer{w.Signer, w.once, write} }

// Sign implements [crypto.Signer].
func (w writer) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, ok := w.once.Load(string(digest))
	if !ok {
		made, err := w.Signer.Sign(r, digest, opts)
		if err != nil {
			return nil, err
		}
		sig, _ = w.once.LoadOrStore(string(digest), made)
	}
	return w.write(sig.([]byte)), nil
}

type pair struct{ R, S *big.Int }

func split(t *testing.T, sig []byte) pair {
	t.Helper()
	var p pair
	if rest, err := asn1.Unmarshal(sig, &p); err != nil || len(rest) > 0 {
		t.Fatalf("no signature: %v, %d bytes left", err, len(rest))
	}
	return p
}

func asIs(sig []byte) []byte { return sig }

// twin is (r, n-s), which every verifier of ECDSA takes for a signature of the
// same bytes by the same key.
func twin(t *testing.T, curve elliptic.Curve) func([]byte) []byte {
	return func(sig []byte) []byte {
		p := split(t, sig)
		p.S.Sub(curve.Params().N, p.S)
		out, err := asn1.Marshal(p)
		if err != nil || bytes.Equal(out, sig) {
			t.Fatalf("no twin: %v", err)
		}
		return out
	}
}

// plain is r and s without ASN.1 around them, which sigstore's verifier takes too.
func plain(t *testing.T, curve elliptic.Curve) func([]byte) []byte {
	size := (curve.Params().BitSize + 7) / 8
	return func(sig []byte) []byte {
		p := split(t, sig)
		return append(p.R.FillBytes(make([]byte, size)), p.S.FillBytes(make([]byte, size))...)
	}
}

// adv-SIG-18: nothing of a fact is made of the bytes of a signature, so that all
// writings of one are the same fact, and not two of anything.
func TestTwinOfASignatureIsTheSameFact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keyless := w.s.Keyless(testtrust.Holder{})
	keyless.Key = writing(keyless.Key, asIs)
	log, stamp := testtrust.Evidence{Log: testtrust.Time}, testtrust.Evidence{Stamp: testtrust.Time}
	both := testtrust.Evidence{Log: testtrust.Time, Stamp: testtrust.Time}
	for _, c := range []struct {
		name     string
		by       testtrust.Signer
		curve    elliptic.Curve
		evidence []testtrust.Evidence
	}{
		{"key", testtrust.Signer{}, elliptic.P256(), []testtrust.Evidence{{}, log, stamp, both}},
		{"key", testtrust.Signer{}, elliptic.P384(), []testtrust.Evidence{{}}},
		{"key", testtrust.Signer{}, elliptic.P521(), []testtrust.Evidence{{}}},
		{"keyless", keyless, elliptic.P256(), []testtrust.Evidence{log, stamp, both}},
	} {
		trust := verify.Trust{Roots: []verify.Root{{Name: "ours", JSON: w.s.RootJSON()}}}
		if c.by.Key == nil {
			held, err := ecdsa.GenerateKey(c.curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			c.by.Key = writing(held, asIs)
			trust.Keys = []verify.Key{key(t, "held", c.by)}
		}
		v := newVerifier(t, trust)
		for what, write := range map[string]func([]byte) []byte{"twin": twin(t, c.curve), "plain": plain(t, c.curve)} {
			other := c.by
			other.Key = c.by.Key.(writer).as(write)
			for _, e := range c.evidence {
				for _, f := range forms {
					want := f.run(t, w.s, v, c.by, manifest, e)
					if want.State != fact.SignatureVerified || len(want.Proofs) != 1 {
						t.Errorf("%s, %s, %s: %+v", c.curve.Params().Name, c.name, f.name, want)
					}
					if d := cmp.Diff(want, f.run(t, w.s, v, other, manifest, e)); d != "" {
						t.Errorf("%s, %s, %s (-signature +%s):\n%s", c.curve.Params().Name, c.name, f.name, what, d)
					}
				}
			}
		}
	}
}

// What was logged or stamped is one writing: the evidence is not that of the other.
func TestEvidenceOfASignatureIsNotThatOfItsTwin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.s.Keyless(testtrust.Holder{})
	key := writing(by.Key, asIs)
	by.Key = key
	statement := testtrust.Statement(t, provenance, nil, subject.Digest)
	swap := twin(t, elliptic.P256())
	for _, e := range []struct {
		name  string
		of    testtrust.Evidence
		state fact.SignatureState
		why   string
	}{
		{"log", testtrust.Evidence{Log: testtrust.Time}, fact.SignatureBroken, "log entry is of another signature"},
		{"stamp", testtrust.Evidence{Stamp: testtrust.Time}, fact.SignatureUnverifiable, "proves when it was signed"},
	} {
		layer := w.s.Layer(t, by, testtrust.Payload(t, subject.Digest, nil), e.of)
		att := w.s.Attestation(t, by, statement, e.of)
		message := w.s.MessageBundle(t, by, manifest, e.of)
		bundle := w.s.StatementBundle(t, by, statement, e.of)
		var twins []string
		key.once.Range(func(_, sig any) bool {
			twins = append(twins, base64.StdEncoding.EncodeToString(sig.([]byte)), base64.StdEncoding.EncodeToString(swap(sig.([]byte))))
			return true
		})
		r := strings.NewReplacer(twins...)
		swapped := func(text []byte) []byte { return []byte(r.Replace(string(text))) }
		sign := layer.Annotations[testtrust.AnnotationSignature]
		layer.Annotations[testtrust.AnnotationSignature] = r.Replace(sign)
		if sign == layer.Annotations[testtrust.AnnotationSignature] || bytes.Equal(swapped(att.Bytes), att.Bytes) ||
			bytes.Equal(swapped(message), message) || bytes.Equal(swapped(bundle), bundle) {
			t.Fatal("nothing was changed")
		}
		for form, got := range map[string]fact.Signature{
			"simple":           simple(t, w.v, layer),
			"envelope":         w.v.Envelope(t.Context(), swapped(att.Bytes), att.Annotations),
			"message bundle":   w.v.Bundle(swapped(message), subject),
			"statement bundle": w.v.Bundle(swapped(bundle), subject),
		} {
			if got.State != e.state || len(got.Proofs) > 0 || !strings.Contains(got.Why, e.why) {
				t.Errorf("%s, %s: %q, %d proofs, %s", e.name, form, got.State, len(got.Proofs), got.Why)
			}
		}
	}
}

// The other ways to write a signature are none.
func TestOtherWritingsOfASignatureProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held, fixed := testtrust.NewKey(t), testtrust.FixedKey(1)
	integer := func(b []byte) []byte { return append([]byte{2, byte(len(b))}, b...) }
	sequence := func(b []byte) []byte { return append([]byte{0x30, byte(len(b))}, b...) }
	signed := func(n *big.Int) []byte { return append([]byte{0}, n.Bytes()...) }
	order, ok := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	if !ok {
		t.Fatal("no number")
	}
	for _, c := range []struct {
		name  string
		key   crypto.Signer
		write func([]byte) []byte
	}{
		{"a byte more", held, func(sig []byte) []byte { return append(slices.Clone(sig), 0) }},
		{"a byte less", held, func(sig []byte) []byte { return sig[:len(sig)-1] }},
		{"zeros before r and s", held, func(sig []byte) []byte {
			p := split(t, sig)
			return sequence(slices.Concat(integer(append([]byte{0}, signed(p.R)...)), integer(append([]byte{0}, signed(p.S)...))))
		}},
		{"s and n", held, func(sig []byte) []byte {
			p := split(t, sig)
			p.S.Add(p.S, elliptic.P256().Params().N)
			out, _ := asn1.Marshal(p) // of numbers: it cannot fail
			return out
		}},
		{"s below zero", held, func(sig []byte) []byte {
			p := split(t, sig)
			p.S.Sub(p.S, elliptic.P256().Params().N)
			out, _ := asn1.Marshal(p)
			return out
		}},
		{"length in two bytes", held, func(sig []byte) []byte { return slices.Concat([]byte{0x30, 0x81}, sig[1:]) }},
		{"Ed25519, s and the order", fixed, func(sig []byte) []byte {
			out := slices.Clone(sig)
			slices.Reverse(out[32:]) // it is little-endian
			s := new(big.Int).SetBytes(out[32:])
			s.Add(s, order).FillBytes(out[32:])
			slices.Reverse(out[32:])
			return out
		}},
	} {
		by := testtrust.Signer{Key: writing(c.key, asIs)}
		v := newVerifier(t, verify.Trust{Keys: []verify.Key{key(t, "k", by)}})
		other := testtrust.Signer{Key: by.Key.(writer).as(c.write)}
		for _, f := range forms {
			if got := f.run(t, w.s, v, by, manifest, testtrust.Evidence{}); got.State != fact.SignatureVerified {
				t.Errorf("%s, %s, as it is: %+v", c.name, f.name, got)
			}
			if got := f.run(t, w.s, v, other, manifest, testtrust.Evidence{}); got.State == fact.SignatureVerified || len(got.Proofs) > 0 {
				t.Errorf("%s, %s: %+v", c.name, f.name, got)
			}
		}
	}
}
