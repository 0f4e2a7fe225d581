package bundle

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// content is what a bundle's signature is over.
type content struct {
	message     []byte // nil if it is another's, of which only the digest is known
	algorithm   string // of digest, as sigstore-go names it; "" for a statement
	digest      []byte // of a message signature
	payloadHash []byte // of a statement
}

var hashes = map[string]struct {
	name string
	hash crypto.Hash
}{
	"SHA2_256": {"sha256", crypto.SHA256},
	"SHA2_384": {"sha384", crypto.SHA384},
	"SHA2_512": {"sha512", crypto.SHA512},
}

func (o *object) readContent(subject Subject, predicates []string, out *fact.Signature) error {
	signed, err := o.SignatureContent()
	if err != nil {
		return fmt.Errorf("it is no valid bundle: %w", err)
	}
	o.signature = signed.Signature()
	if envelope := signed.EnvelopeContent(); envelope != nil {
		out.Kind = fact.KindAttestation
		return o.readEnvelope(envelope.RawEnvelope(), predicates, out)
	}
	message := signed.MessageSignatureContent()
	if message == nil {
		return errors.New("it holds neither a signature nor a statement")
	}
	if len(o.signature) == 0 {
		return errors.New("its signature is empty")
	}
	algorithm, ok := hashes[message.DigestAlgorithm()]
	if !ok {
		return fmt.Errorf("message digests by %q are %w", message.DigestAlgorithm(), material.ErrUnsupported)
	}
	o.content.algorithm, o.content.digest = algorithm.name, message.Digest()
	if len(o.content.digest) != algorithm.hash.Size() {
		return errors.New("its message digest has the wrong length")
	}
	claimed, err := ref.ParseDigest(algorithm.name + ":" + hex.EncodeToString(o.content.digest))
	hash := algorithm.hash.New()
	hash.Write(subject.Bytes)
	switch {
	case bytes.Equal(hash.Sum(nil), o.content.digest):
		o.content.message = subject.Bytes
		out.Claims = []ref.Digest{subject.Digest}
	case err != nil:
		return fmt.Errorf("a signature over another manifest, named by %s, is %w", algorithm.name, material.ErrUnsupported)
	default:
		out.Claims = []ref.Digest{claimed}
	}
	return nil
}

func (o *object) readEnvelope(envelope *dsse.Envelope, predicates []string, out *fact.Signature) error {
	// A bundle's envelope has one signature; sigstore-go reads only the first for
	// the log entry.
	if len(envelope.Signatures) != 1 {
		return fmt.Errorf("the envelope has %d signatures, not one", len(envelope.Signatures))
	}
	if envelope.PayloadType != material.PayloadType {
		return fmt.Errorf("payloads of type %q are %w", envelope.PayloadType, material.ErrUnsupported)
	}
	payload, err := envelope.DecodeB64Payload()
	if err != nil {
		return fmt.Errorf("the envelope's payload is no base64: %w", err)
	}
	o.content.message = dsse.PAE(envelope.PayloadType, payload)
	hash := sha256.Sum256(payload)
	o.content.payloadHash = hash[:]
	statement, err := material.ParseStatement(payload, predicates)
	if err != nil {
		return err
	}
	statement.Fill(out)
	return nil
}

// check verifies signature with public over the content.
func (c *content) check(public crypto.PublicKey, signature []byte) error {
	if c.message != nil {
		return material.CheckSignature(public, signature, c.message)
	}
	verifiers, err := material.Verifiers(public)
	if err != nil {
		return fmt.Errorf("%w: %w", material.ErrUnsupported, err)
	}
	err = fmt.Errorf("a signature of this kind over another manifest is %w", material.ErrUnsupported)
	for _, v := range verifiers {
		if !material.TakesDigest(v) {
			continue
		}
		err = v.VerifySignature(bytes.NewReader(signature), bytes.NewReader(nil), options.WithDigest(c.digest))
		if err == nil {
			return nil
		}
	}
	return err
}

// policy returns what sigstore-go is to compare: the manifest if it is signed,
// the digest alone if it is another's. A statement's subjects are compared by
// others, so that a statement about another image is told from a bad one.
func (c *content) policy() verify.ArtifactPolicyOption {
	switch {
	case c.algorithm == "":
		return verify.WithoutArtifactUnsafe()
	case c.message != nil:
		return verify.WithArtifact(bytes.NewReader(c.message))
	}
	return verify.WithArtifactDigest(c.algorithm, c.digest)
}
