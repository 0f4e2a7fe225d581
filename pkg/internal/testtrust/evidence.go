package testtrust

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	"github.com/sigstore/rekor/pkg/pki"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/types/dsse"
	// Linked so that both kinds of entries can be made.
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
)

// An Entry is one of the log's first version, with its promise and the proof
// that it is the only one in its tree.
type Entry struct {
	Kind, Version string
	Body          []byte
	At            time.Time
	Index         int64
	LogID         []byte
	Promise       []byte
	RootHash      []byte
	Checkpoint    string
}

// LogSignature logs a signature over content.
func (s *Sigstore) LogSignature(by Signer, content, sig []byte, at time.Time) Entry {
	s.t.Helper()
	sum := sha256.Sum256(content)
	return s.log(hashedrekord.KIND, "0.0.1", types.ArtifactProperties{
		PublicKeyBytes: [][]byte{by.VerifierPEM(s.t)}, PKIFormat: string(pki.X509),
		ArtifactHash: hex.EncodeToString(sum[:]), SignatureBytes: sig,
	}, at)
}

// LogEnvelope logs a DSSE envelope in JSON.
func (s *Sigstore) LogEnvelope(by Signer, envelope []byte, at time.Time) Entry {
	s.t.Helper()
	return s.log(dsse.KIND, "0.0.1", types.ArtifactProperties{
		PublicKeyBytes: [][]byte{by.VerifierPEM(s.t)}, PKIFormat: string(pki.X509), ArtifactBytes: envelope,
	}, at)
}

func (s *Sigstore) log(kind, version string, props types.ArtifactProperties, at time.Time) Entry {
	s.t.Helper()
	ctx := context.Background()
	proposed, err := types.NewProposedEntry(ctx, kind, version, props)
	s.check(err)
	entry, err := types.CreateVersionedEntry(proposed)
	s.check(err)
	body, err := types.CanonicalizeEntry(ctx, entry)
	s.check(err)
	e := Entry{Kind: kind, Version: version, Body: body, At: at, LogID: keyID(s.t, s.logKey.Public())}
	return s.Promise(e)
}

// Promise signs e as the log: what a test changed in it then holds.
func (s *Sigstore) Promise(e Entry) Entry {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{
		"body": base64.StdEncoding.EncodeToString(e.Body), "integratedTime": e.At.Unix(),
		"logIndex": e.Index, "logID": hex.EncodeToString(e.LogID),
	})
	s.check(err)
	canonical, err := jsoncanonicalizer.Transform(text)
	s.check(err)
	signer, err := signature.LoadECDSASignerVerifier(s.logKey, crypto.SHA256)
	s.check(err)
	e.Promise, err = signer.SignMessage(bytes.NewReader(canonical))
	s.check(err)
	leaf := sha256.Sum256(append([]byte{0}, e.Body...))
	e.RootHash = leaf[:]
	checkpoint, err := util.CreateAndSignCheckpoint(context.Background(), s.logName, 1, 1, e.RootHash, signer)
	s.check(err)
	e.Checkpoint = string(checkpoint)
	return e
}

// Stamp is an RFC 3161 answer for signature.
func (s *Sigstore) Stamp(signature []byte, at time.Time) []byte {
	s.t.Helper()
	sum := sha256.Sum256(signature)
	b, err := (&timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at,
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
	}).CreateResponseWithOpts(s.stampCert, s.stampKey, crypto.SHA256)
	s.check(err)
	return b
}
