package verify_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// A world is a Sigstore, a key, and a verifier that trusts both.
type world struct {
	s             *testtrust.Sigstore
	held, keyless testtrust.Signer
	v             *verify.Verifier
	nothing       *verify.Verifier // trusts nothing
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{s: testtrust.New(t, testtrust.Options{}), held: testtrust.Signer{Key: testtrust.NewKey(t)}, nothing: newVerifier(t, verify.Trust{})}
	w.keyless = w.s.Keyless(testtrust.Holder{})
	w.v = newVerifier(t, verify.Trust{Keys: []verify.Key{key(t, "held", w.held)}, Roots: []verify.Root{{Name: "ours", JSON: w.s.RootJSON()}}})
	return w
}

// adv-SIG-2, SIG-3, SIG-4, CVE-2026-22703: evidence that belongs to something
// else, in cosign's form.
func TestBorrowedEvidenceIsBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logged := testtrust.Evidence{Log: testtrust.Time}
	payload := testtrust.Payload(t, subject.Digest, nil)
	other := testtrust.Payload(t, otherDigest, nil)
	second := w.s.Keyless(testtrust.Holder{})
	with := func(l testtrust.Layer, change map[string]string) testtrust.Layer {
		annotations := map[string]string{}
		for k, v := range l.Annotations {
			annotations[k] = v
		}
		for k, v := range change {
			annotations[k] = v
		}
		l.Annotations = annotations
		return l
	}
	good := w.s.Layer(t, w.keyless, payload, logged)
	keyed := w.s.Layer(t, w.held, payload, logged)
	entry := func(of testtrust.Layer) map[string]string {
		return map[string]string{testtrust.AnnotationBundle: of.Annotations[testtrust.AnnotationBundle]}
	}
	decoded, err := base64.StdEncoding.DecodeString(good.Annotations[testtrust.AnnotationSignature])
	if err != nil {
		t.Fatal(err)
	}
	promised := w.s.LogSignature(w.keyless, payload, decoded, testtrust.Time)
	forged := promised
	forged.At = forged.At.Add(time.Minute) // without a new promise
	for _, c := range []struct {
		name  string
		layer testtrust.Layer
		why   string
	}{
		{"entry of another image", with(good, entry(w.s.Layer(t, w.keyless, other, logged))), "another signature"},
		{"entry of another signer", with(good, entry(w.s.Layer(t, second, payload, logged))), "another signature"},
		{"entry of another signature by the same key", with(keyed, entry(w.s.Layer(t, w.held, payload, logged))), "another signature"},
		{"keyed signature with a keyless entry", with(keyed, entry(good)), "another signature"},
		{"another certificate", with(good, map[string]string{testtrust.AnnotationCertificate: string(second.VerifierPEM(t))}), "embedded certificate's key does not verify"},
		{"certificate beside a key", with(keyed, map[string]string{testtrust.AnnotationCertificate: string(second.VerifierPEM(t))}), "embedded certificate's key does not verify"},
		{"key where a certificate should be", with(good, map[string]string{testtrust.AnnotationCertificate: string(testtrust.PublicPEM(t, w.keyless.Key.Public()))}), "no certificate"},
		{"two certificates", with(good, map[string]string{testtrust.AnnotationCertificate: string(second.VerifierPEM(t)) + string(w.keyless.VerifierPEM(t))}), "more than one"},
		{"garbage in the chain", with(good, map[string]string{testtrust.AnnotationChain: "x"}), "no certificate"},
		{"time changed", with(good, map[string]string{testtrust.AnnotationBundle: forged.Annotation()}), "log entry does not hold"},
		{"entry is no string", with(good, map[string]string{testtrust.AnnotationBundle: `{"SignedEntryTimestamp":"AA==","Payload":{"body":{"a":1},"logID":"aa"}}`}), "log bundle"},
		{"entry is garbage", with(good, map[string]string{testtrust.AnnotationBundle: `{"SignedEntryTimestamp":"AA==","Payload":{"body":"e30=","logID":"aa"}}`}), "log bundle"},
		{"no promise", with(good, map[string]string{testtrust.AnnotationBundle: strings.Replace(promised.Annotation(), `"SignedEntryTimestamp":"`, `"x":"`, 1)}), "no promise"},
		{"two readings of the bundle", with(good, map[string]string{testtrust.AnnotationBundle: strings.Replace(promised.Annotation(), `"Payload":{`, `"payload":{},"Payload":{`, 1)}), "twice"},
		{"stamp is garbage", with(good, map[string]string{testtrust.AnnotationStamp: `{"SignedRFC3161Timestamp":`}), "timestamp"},
		{"no signature", with(good, map[string]string{testtrust.AnnotationSignature: ""}), "empty"},
		{"signature is no base64", with(good, map[string]string{testtrust.AnnotationSignature: "!"}), "base64"},
		{"payload about nothing", w.s.Layer(t, w.held, []byte(`{"critical":{"type":"cosign container image signature"}}`), testtrust.Evidence{}), "names no image"},
		{"payload with two digests", w.s.Layer(t, w.held, []byte(strings.Replace(string(payload), `"docker-manifest-digest"`, `"docker-manifest-digest":"`+string(otherDigest)+`","docker-manifest-digest"`, 1)), testtrust.Evidence{}), "twice"},
		{"payload is garbage", w.s.Layer(t, w.held, []byte("garbage"), testtrust.Evidence{}), "payload"},
	} {
		got := simple(t, w.v, c.layer)
		if got.State != fact.SignatureBroken || len(got.Proofs) > 0 || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %q, %d proofs, %s", c.name, got.State, len(got.Proofs), got.Why)
		}
	}
	if got := simple(t, w.v, good); got.State != fact.SignatureVerified {
		t.Errorf("the good one: %q, %s", got.State, got.Why)
	}
	// A stamp of an unknown authority, or of another signature, proves nothing and
	// spoils nothing; cosign itself ends the program over it.
	stamped := with(good, map[string]string{testtrust.AnnotationStamp: testtrust.StampAnnotation(w.s.Stamp([]byte("other"), testtrust.Time))})
	if got := simple(t, w.v, stamped); got.State != fact.SignatureVerified || len(got.Proofs[0].Times) > 0 {
		t.Errorf("borrowed stamp: %+v", got)
	}
}

// adv-SIG-7 and SIG-8: statements and envelopes that must not count, in both
// forms.
func TestEnvelopesThatDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := testtrust.Statement(t, provenance, nil, subject.Digest)
	edit := func(old, new string) []byte {
		if !strings.Contains(string(good), old) {
			t.Fatalf("%q is not in the statement", old)
		}
		return []byte(strings.Replace(string(good), old, new, 1))
	}
	many := make([]ref.Digest, 1025)
	for i := range many {
		many[i] = ref.DigestOf([]byte{byte(i), byte(i >> 8)}, "")
	}
	for _, c := range []struct {
		name      string
		statement []byte
		state     fact.SignatureState
		why       string
	}{
		{"not JSON", []byte("x"), fact.SignatureBroken, "statement"},
		{"trailing bytes", append(append([]byte{}, good...), "{}"...), fact.SignatureBroken, "after its end"},
		{"duplicate subject", edit(`"subject":`, `"subject":[],"subject":`), fact.SignatureBroken, "twice"},
		{"subject in another case", edit(`"subject":`, `"Subject":`), fact.SignatureBroken, "no list of subjects"},
		{"no predicate type", edit(`"predicateType":`, `"other":`), fact.SignatureBroken, "no predicateType"},
		{"predicate type is a number", edit(`"predicateType":"`+provenance+`"`, `"predicateType":1`), fact.SignatureBroken, "no string"},
		{"no subjects", testtrust.Statement(t, provenance, nil), fact.SignatureUnsupported, "neither sha256 nor sha512"},
		{"git commit only", edit(`"sha256":`, `"gitCommit":`), fact.SignatureUnsupported, "neither sha256 nor sha512"},
		{"sha1 only", edit(`"sha256":`, `"sha1":`), fact.SignatureUnsupported, "neither sha256 nor sha512"},
		{"malformed digest", edit(subject.Digest.Hex(), "abc"), fact.SignatureBroken, "no right digest"},
		{"upper-case digest", edit(subject.Digest.Hex(), strings.ToUpper(subject.Digest.Hex())), fact.SignatureBroken, "no right digest"},
		{"too many subjects", testtrust.Statement(t, provenance, nil, many...), fact.SignatureUnsupported, "1025 subjects"},
		{"another kind of statement", edit("https://in-toto.io/Statement/v1", "https://example.test/v1"), fact.SignatureUnsupported, "statements of type"},
	} {
		l := w.s.Attestation(t, w.held, c.statement, testtrust.Evidence{})
		for form, got := range map[string]fact.Signature{
			"envelope": w.v.Envelope(t.Context(), l.Bytes, l.Annotations),
			"bundle":   w.v.Bundle(w.s.StatementBundle(t, w.held, c.statement, testtrust.Evidence{}), subject),
		} {
			if got.State != c.state || len(got.Proofs)+len(got.Claims) > 0 || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %s: %+v", c.name, form, got)
			}
		}
	}

	envelope, _ := testtrust.Envelope(t, w.held, good)
	second, _ := testtrust.Envelope(t, w.keyless, good)
	var a, b map[string]any
	if err := json.Unmarshal(envelope, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(second, &b); err != nil {
		t.Fatal(err)
	}
	change := func(key string, value any) []byte {
		c := map[string]any{}
		for k, v := range a {
			c[k] = v
		}
		c[key] = value
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	one := a["signatures"].([]any)
	for _, c := range []struct {
		name  string
		text  []byte
		state fact.SignatureState
	}{
		{"two signatures, one good", change("signatures", append(append([]any{}, one...), b["signatures"].([]any)...)), fact.SignatureBroken},
		{"the same twice", change("signatures", append(append([]any{}, one...), one...)), fact.SignatureBroken},
		{"no signature", change("signatures", []any{}), fact.SignatureBroken},
		{"another payload type", change("payloadType", "text/plain"), fact.SignatureUnsupported},
		{"no payload type", change("payloadType", ""), fact.SignatureUnsupported},
		{"payload changed", change("payload", base64.StdEncoding.EncodeToString(testtrust.Statement(t, provenance, nil, otherDigest))), fact.SignatureUnverifiable},
		{"payload is no base64", change("payload", "!"), fact.SignatureBroken},
		{"two payloads", []byte(strings.Replace(string(envelope), `"payload":`, `"Payload":"","payload":`, 1)), fact.SignatureBroken},
		{"trailing envelope", append(append([]byte{}, envelope...), envelope...), fact.SignatureBroken},
	} {
		got := w.v.Envelope(t.Context(), c.text, nil)
		if got.State != c.state || len(got.Proofs) > 0 || got.Why == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// adv-SIG-14 and SIG-15: what a bundle repeats or contradicts.
func TestBundlesThatDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.s.MessageBundle(t, w.keyless, manifest, testtrust.Evidence{Log: testtrust.Time, Stamp: testtrust.Time})
	edit := func(f func(bundle, material map[string]any)) []byte {
		var b map[string]any
		if err := json.Unmarshal(good, &b); err != nil {
			t.Fatal(err)
		}
		f(b, b["verificationMaterial"].(map[string]any))
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	statement := w.s.StatementBundle(t, w.keyless, testtrust.Statement(t, provenance, nil, subject.Digest), testtrust.Evidence{Log: testtrust.Time})
	var other map[string]any
	if err := json.Unmarshal(statement, &other); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		text   []byte
		state  fact.SignatureState
		proofs int
	}{
		{"as it is", good, fact.SignatureVerified, 1},
		{"one entry twice", edit(func(_, m map[string]any) {
			e := m["tlogEntries"].([]any)
			m["tlogEntries"] = append(e, e...)
		}), fact.SignatureUnverifiable, 0},
		{"one stamp twice", edit(func(_, m map[string]any) {
			d := m["timestampVerificationData"].(map[string]any)
			s := d["rfc3161Timestamps"].([]any)
			d["rfc3161Timestamps"] = append(s, s...)
		}), fact.SignatureVerified, 1},
		{"statement and message", edit(func(b, _ map[string]any) { b["dsseEnvelope"] = other["dsseEnvelope"] }), fact.SignatureBroken, 0},
		{"statement under the message's evidence", edit(func(b, _ map[string]any) {
			delete(b, "messageSignature")
			b["dsseEnvelope"] = other["dsseEnvelope"]
		}), fact.SignatureBroken, 0},
		{"no media type", edit(func(b, _ map[string]any) { delete(b, "mediaType") }), fact.SignatureUnsupported, 0},
		{"version to come", edit(func(b, _ map[string]any) { b["mediaType"] = "application/vnd.dev.sigstore.bundle.v99.9+json" }), fact.SignatureUnsupported, 0},
		{"no material", edit(func(b, _ map[string]any) { delete(b, "verificationMaterial") }), fact.SignatureBroken, 0},
		{"unknown field", edit(func(b, _ map[string]any) { b["verified"] = true }), fact.SignatureBroken, 0},
		{"key instead of certificate", edit(func(_, m map[string]any) {
			delete(m, "certificate")
			m["publicKey"] = map[string]any{"hint": "held"}
		}), fact.SignatureBroken, 0},
		{"digest of another", edit(func(b, _ map[string]any) {
			b["messageSignature"].(map[string]any)["messageDigest"].(map[string]any)["digest"] = make([]byte, 32)
		}), fact.SignatureBroken, 0},
		{"digest too short", edit(func(b, _ map[string]any) {
			b["messageSignature"].(map[string]any)["messageDigest"].(map[string]any)["digest"] = make([]byte, 8)
		}), fact.SignatureBroken, 0},
		{"SHA-1", edit(func(b, _ map[string]any) {
			b["messageSignature"].(map[string]any)["messageDigest"].(map[string]any)["algorithm"] = "SHA3_256"
		}), fact.SignatureUnsupported, 0},
	} {
		got := w.v.Bundle(c.text, subject)
		if got.State != c.state || len(got.Proofs) != c.proofs || (c.proofs == 0) != (got.Why != "") {
			t.Errorf("%s: %+v", c.name, got)
		}
		for _, p := range got.Proofs {
			if len(p.Logs) != 1 || len(p.Times) != 1 {
				t.Errorf("%s: %d logs, %d stamps, want one of each", c.name, len(p.Logs), len(p.Times))
			}
		}
	}
}

// Whatever byte of payload, signature or certificate is changed, nothing is
// proved.
func TestEveryChangedByteUnproves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evidence := testtrust.Evidence{Log: testtrust.Time}
	payload := testtrust.Payload(t, subject.Digest, nil)
	check := func(what string, i int, got fact.Signature) {
		t.Helper()
		if got.State == fact.SignatureVerified || len(got.Proofs) > 0 {
			t.Errorf("%s, byte %d: %+v", what, i, got)
		}
	}
	flip := func(b []byte, i int) []byte {
		c := append([]byte{}, b...)
		c[i] ^= 1 << (i % 8)
		return c
	}
	for _, by := range []testtrust.Signer{w.held, w.keyless} {
		l := w.s.Layer(t, by, payload, evidence)
		sig, err := base64.StdEncoding.DecodeString(l.Annotations[testtrust.AnnotationSignature])
		if err != nil {
			t.Fatal(err)
		}
		for i := range payload {
			check("payload", i, w.v.SimpleSigning(t.Context(), flip(payload, i), l.Annotations))
		}
		annotations := map[string]string{}
		for k, v := range l.Annotations {
			annotations[k] = v
		}
		for i := range sig {
			annotations[testtrust.AnnotationSignature] = base64.StdEncoding.EncodeToString(flip(sig, i))
			check("signature", i, w.v.SimpleSigning(t.Context(), payload, annotations))
		}
		annotations[testtrust.AnnotationSignature] = l.Annotations[testtrust.AnnotationSignature]
		if by.Certificate == nil {
			continue
		}
		for i := range by.Certificate.Raw {
			cert := base64.StdEncoding.EncodeToString(flip(by.Certificate.Raw, i))
			annotations[testtrust.AnnotationCertificate] = "-----BEGIN CERTIFICATE-----\n" + cert + "\n-----END CERTIFICATE-----\n"
			check("certificate", i, w.v.SimpleSigning(t.Context(), payload, annotations))
		}
		raw := base64.StdEncoding.EncodeToString(by.Certificate.Raw)
		bundle := string(w.s.MessageBundle(t, by, manifest, evidence))
		for i := range by.Certificate.Raw {
			changed := strings.Replace(bundle, raw, base64.StdEncoding.EncodeToString(flip(by.Certificate.Raw, i)), 1)
			check("bundle's certificate", i, w.v.Bundle([]byte(changed), subject))
		}
	}
	bundle := w.s.MessageBundle(t, w.held, manifest, testtrust.Evidence{})
	for i := range manifest {
		other := flip(manifest, i)
		got := w.v.Bundle(bundle, verify.Subject{Digest: ref.DigestOf(other, ""), Bytes: other})
		if want := []ref.Digest{subject.Digest}; !cmp.Equal(got.Claims, want) {
			t.Fatalf("manifest, byte %d: claims %v", i, got.Claims)
		}
	}
}
