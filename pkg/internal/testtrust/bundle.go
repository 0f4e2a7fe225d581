package testtrust

import (
	"encoding/json"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// MessageBundle is a bundle, version 0.3, with a signature over message. Without
// evidence, s may be nil.
func (s *Sigstore) MessageBundle(t testing.TB, by Signer, message []byte, evidence Evidence) []byte {
	t.Helper()
	sig := by.Sign(t, message)
	b := s.bundle(by, sig, evidence, func() Entry { return s.LogSignature(by, message, sig, evidence.Log) })
	b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
		MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digestOf(message)},
		Signature:     sig,
	}}
	return marshal(t, b)
}

// StatementBundle is a bundle, version 0.3, with an in-toto statement. Without
// evidence, s may be nil.
func (s *Sigstore) StatementBundle(t testing.TB, by Signer, statement []byte, evidence Evidence) []byte {
	t.Helper()
	envelope, sig := Envelope(t, by, statement)
	b := s.bundle(by, sig, evidence, func() Entry { return s.LogEnvelope(by, envelope, evidence.Log) })
	b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
		Payload: statement, PayloadType: "application/vnd.in-toto+json",
		Signatures: []*protodsse.Signature{{Sig: sig}},
	}}
	return marshal(t, b)
}

func marshal(t testing.TB, b *protobundle.Bundle) []byte {
	t.Helper()
	text, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	// protojson varies its spaces on purpose.
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *Sigstore) bundle(by Signer, sig []byte, evidence Evidence, log func() Entry) *protobundle.Bundle {
	m := &protobundle.VerificationMaterial{}
	if by.Certificate != nil {
		m.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: by.Certificate.Raw}}
	} else {
		m.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: "a hint"}}
	}
	if !evidence.Log.IsZero() {
		m.TlogEntries = []*protorekor.TransparencyLogEntry{log().proto()}
	}
	if !evidence.Stamp.IsZero() {
		m.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: s.Stamp(sig, evidence.Stamp)}},
		}
	}
	return &protobundle.Bundle{MediaType: TypeBundle, VerificationMaterial: m}
}

func (e Entry) proto() *protorekor.TransparencyLogEntry {
	return &protorekor.TransparencyLogEntry{
		LogIndex: e.Index, LogId: &protocommon.LogId{KeyId: e.LogID},
		KindVersion:      &protorekor.KindVersion{Kind: e.Kind, Version: e.Version},
		IntegratedTime:   e.At.Unix(),
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: e.Promise},
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: e.Index, RootHash: e.RootHash, TreeSize: 1,
			Checkpoint: &protorekor.Checkpoint{Envelope: e.Checkpoint},
		},
		CanonicalizedBody: e.Body,
	}
}
