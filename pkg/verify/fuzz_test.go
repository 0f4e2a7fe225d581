package verify_test

import (
	"bytes"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/verify"
)

// newFuzzWorld trusts a key that is the same in each worker process, so that its
// seeds verify there. What the fresh Sigstore signs is parsed in all, verified in
// the one that made it.
func newFuzzWorld(f *testing.F) world {
	w := newWorld(f)
	w.held = testtrust.Signer{Key: testtrust.FixedKey(1)}
	w.v = newVerifier(f, verify.Trust{Keys: []verify.Key{key(f, "held", w.held)}, Roots: []verify.Root{{Name: "ours", JSON: w.s.RootJSON()}}})
	return w
}

// seedEvidence is what the log takes: no Ed25519.
func seedEvidence(by testtrust.Signer) testtrust.Evidence {
	if by.Certificate == nil {
		return testtrust.Evidence{}
	}
	return testtrust.Evidence{Log: testtrust.Time, Stamp: testtrust.Time}
}

// Whatever comes in, what is verified was signed: the seeds are, all else is
// not.
func FuzzSimpleSigning(f *testing.F) {
	w := newFuzzWorld(f)
	payload := testtrust.Payload(f, subject.Digest, nil)
	for _, by := range []testtrust.Signer{w.held, w.keyless} {
		l := w.s.Layer(f, by, payload, seedEvidence(by))
		a := l.Annotations
		f.Add(payload, a[testtrust.AnnotationSignature], a[testtrust.AnnotationCertificate], a[testtrust.AnnotationChain], a[testtrust.AnnotationBundle], a[testtrust.AnnotationStamp])
	}
	f.Add([]byte("{}"), "AAAA", "", "", `{"SignedEntryTimestamp":"AA==","Payload":{"body":null}}`, `{}`)
	f.Fuzz(func(t *testing.T, b []byte, sig, cert, chain, log, stamp string) {
		annotations := map[string]string{
			testtrust.AnnotationSignature: sig, testtrust.AnnotationCertificate: cert, testtrust.AnnotationChain: chain,
			testtrust.AnnotationBundle: log, testtrust.AnnotationStamp: stamp,
		}
		for _, v := range []*verify.Verifier{w.v, w.nothing} {
			got := v.SimpleSigning(t.Context(), b, annotations)
			checkFuzzed(t, got, v == w.v && bytes.Equal(b, payload))
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	w := newFuzzWorld(f)
	statement := testtrust.Statement(f, provenance, nil, subject.Digest)
	for _, by := range []testtrust.Signer{w.held, w.keyless} {
		l := w.s.Attestation(f, by, statement, seedEvidence(by))
		a := l.Annotations
		f.Add(l.Bytes, a[testtrust.AnnotationCertificate], a[testtrust.AnnotationBundle], a[testtrust.AnnotationStamp])
	}
	f.Fuzz(func(t *testing.T, b []byte, cert, log, stamp string) {
		annotations := map[string]string{
			testtrust.AnnotationCertificate: cert, testtrust.AnnotationBundle: log, testtrust.AnnotationStamp: stamp,
		}
		for _, v := range []*verify.Verifier{w.v, w.nothing} {
			got := v.Envelope(t.Context(), b, annotations)
			checkFuzzed(t, got, v == w.v && len(got.Claims) == 1 && got.Claims[0] == subject.Digest)
		}
	})
}

func FuzzBundle(f *testing.F) {
	w := newFuzzWorld(f)
	for _, by := range []testtrust.Signer{w.held, w.keyless} {
		f.Add(w.s.MessageBundle(f, by, manifest, seedEvidence(by)))
		f.Add(w.s.StatementBundle(f, by, testtrust.Statement(f, provenance, nil, subject.Digest), seedEvidence(by)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, v := range []*verify.Verifier{w.v, w.nothing} {
			got := v.Bundle(b, subject)
			checkFuzzed(t, got, v == w.v && len(got.Claims) == 1 && got.Claims[0] == subject.Digest)
		}
	})
}

// checkFuzzed checks what holds of every fact; mayProve says whether what was
// verified is what the seeds signed.
func checkFuzzed(t *testing.T, got fact.Signature, mayProve bool) {
	t.Helper()
	verified := got.State == fact.SignatureVerified
	switch {
	case verified && !mayProve:
		t.Errorf("verified what nobody signed: %+v", got)
	case verified != (len(got.Proofs) > 0), verified == (got.Why != ""), verified && len(got.Claims) == 0:
		t.Errorf("state, proofs, claims and reason do not agree: %+v", got)
	case got.Kind == "":
		t.Errorf("no kind: %+v", got)
	}
	for _, p := range got.Proofs {
		if p.Key == "" && (p.Root == "" || p.Identity == nil || len(p.Logs)+len(p.Times) == 0) {
			t.Errorf("a keyless proof without root, identity or time: %+v", p)
		}
	}
}
