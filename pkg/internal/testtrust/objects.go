package testtrust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/intact-dev/intact/pkg/ref"
)

// Media types of layers.
const (
	TypeSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	TypeEnvelope      = "application/vnd.dsse.envelope.v1+json"
	TypeBundle        = "application/vnd.dev.sigstore.bundle.v0.3+json"
)

// Annotations of cosign's layers.
const (
	AnnotationSignature   = "dev.cosignproject.cosign/signature"
	AnnotationCertificate = "dev.sigstore.cosign/certificate"
	AnnotationChain       = "dev.sigstore.cosign/chain"
	AnnotationBundle      = "dev.sigstore.cosign/bundle"
	AnnotationStamp       = "dev.sigstore.cosign/rfc3161timestamp"
)

// A Layer is a signed object as cosign 2 stores it.
type Layer struct {
	MediaType   string
	Bytes       []byte
	Annotations map[string]string
}

// Evidence says what to add to a signature; the zero value adds nothing.
type Evidence struct {
	Log   time.Time // when it was logged
	Stamp time.Time // when it was stamped
}

// Payload is a simple signing document about subject.
func Payload(t testing.TB, subject ref.Digest, optional map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"critical": map[string]any{
			"identity": map[string]any{"docker-reference": "registry.example.test/app"},
			"image":    map[string]any{"docker-manifest-digest": subject},
			"type":     "cosign container image signature",
		},
		"optional": optional,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Layer is a signature over payload. Without evidence, s may be nil.
func (s *Sigstore) Layer(t testing.TB, by Signer, payload []byte, evidence Evidence) Layer {
	t.Helper()
	sig := by.Sign(t, payload)
	l := Layer{MediaType: TypeSimpleSigning, Bytes: payload, Annotations: map[string]string{
		AnnotationSignature: base64.StdEncoding.EncodeToString(sig),
	}}
	s.support(l, by, evidence, sig, func() Entry { return s.LogSignature(by, payload, sig, evidence.Log) })
	return l
}

// Attestation is a statement in cosign's form. Without evidence, s may be nil.
func (s *Sigstore) Attestation(t testing.TB, by Signer, statement []byte, evidence Evidence) Layer {
	t.Helper()
	envelope, _ := Envelope(t, by, statement)
	l := Layer{MediaType: TypeEnvelope, Bytes: envelope, Annotations: map[string]string{AnnotationSignature: ""}}
	s.support(l, by, evidence, envelope, func() Entry { return s.LogEnvelope(by, envelope, evidence.Log) })
	return l
}

// support adds the certificate and the evidence; cosign stamps the signature,
// of an attestation the envelope.
func (s *Sigstore) support(l Layer, by Signer, evidence Evidence, stamped []byte, log func() Entry) {
	if by.Certificate != nil {
		l.Annotations[AnnotationCertificate] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: by.Certificate.Raw}))
		l.Annotations[AnnotationChain] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.issuer.Raw})) +
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.rootCert.Raw}))
	}
	if !evidence.Log.IsZero() {
		l.Annotations[AnnotationBundle] = log().Annotation()
	}
	if !evidence.Stamp.IsZero() {
		l.Annotations[AnnotationStamp] = StampAnnotation(s.Stamp(stamped, evidence.Stamp))
	}
}

// Annotation is e as cosign stores it.
func (e Entry) Annotation() string {
	b, _ := json.Marshal(map[string]any{ // of strings and numbers: it cannot fail
		"SignedEntryTimestamp": e.Promise,
		"Payload": map[string]any{
			"body": e.Body, "integratedTime": e.At.Unix(), "logIndex": e.Index, "logID": hex.EncodeToString(e.LogID),
		},
	})
	return string(b)
}

// StampAnnotation is a stamp as cosign stores it.
func StampAnnotation(stamp []byte) string {
	b, _ := json.Marshal(map[string][]byte{"SignedRFC3161Timestamp": stamp})
	return string(b)
}

// Statement is an in-toto statement about subjects.
func Statement(t testing.TB, predicateType string, predicate any, subjects ...ref.Digest) []byte {
	t.Helper()
	list := []any{}
	for _, d := range subjects {
		list = append(list, map[string]any{"name": "app", "digest": map[string]string{d.Algorithm(): d.Hex()}})
	}
	b, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": list,
		"predicateType": predicateType, "predicate": predicate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Envelope signs a statement; it returns the envelope in JSON and the signature.
func Envelope(t testing.TB, by Signer, statement []byte) (envelope, sig []byte) {
	t.Helper()
	const payloadType = "application/vnd.in-toto+json"
	sig = by.Sign(t, dsse.PAE(payloadType, statement))
	b, err := json.Marshal(dsse.Envelope{
		PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, sig
}

// digestOf is what a bundle says about the message.
func digestOf(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }
